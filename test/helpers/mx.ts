// Opens MLX for tests, on the CPU, and runs a test inside a scope. `.build/lib` is the back end that the Makefile chose.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fromArray, liveHandles, openLibrary, scope, toFloat32, type Tensor } from "../../src/mx/index.ts";

const root = join(import.meta.dir, "../..");
const suffix = process.platform === "darwin" ? "dylib" : "so";
const places = ["lib", "mlx-cpu"].map(folder => join(root, ".build", folder, `mlx/lib/libshim.${suffix}`));

/** Opens the library once per process. */
export function openForTests(): void {
  const path = process.env["PIPPIN_TEST_SHIM"] ?? places.find(existsSync);
  if (path === undefined) throw new Error(`no libshim.${suffix} under .build: run make first`);
  openLibrary(path, "cpu");
}

/** A test whose body runs in a scope, and that leaves no tensor behind. */
export function mxTest(name: string, body: () => void): void {
  test(name, () => {
    openForTests();
    const before = liveHandles();
    scope(() => void body());
    expect(liveHandles()).toBe(before);
  });
}

/** A float32 tensor; one axis unless a shape is given. */
export function f32(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return fromArray(new Float32Array(values), shape);
}

export function i32(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return fromArray(new Int32Array(values), shape);
}

/** A tensor's values, row-major. */
export function numbers(t: Tensor): number[] {
  return [...toFloat32(t)];
}

/** Fails unless the tensor holds these values, up to `tolerance` (relative above 1, absolute below). */
export function expectClose(t: Tensor, expected: readonly number[], tolerance = 1e-5): void {
  const actual = numbers(t);
  expect(actual.length).toBe(expected.length);
  const worst = actual.findIndex((x, i) => !(Math.abs(x - expected[i]!) <= tolerance * Math.max(1, Math.abs(expected[i]!))) && x !== expected[i]);
  if (worst >= 0) throw new Error(`element ${worst} is ${actual[worst]}, expected ${expected[worst]}`);
}
