// Safetensors files, written and read back.

import { describe, expect, test } from "bun:test";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as mx from "../../src/mx/index.ts";
import { f32, mxTest, numbers, openForTests } from "../helpers/mx.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const folder = temporaryFolder("mx-io");

function readHeader(path: string): Record<string, { dtype: string; shape: number[] }> {
  const bytes = readFileSync(path);
  return JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString());
}

describe("safetensors", () => {
  mxTest("tensors of every type come back with name, type, shape and values", () => {
    const path = join(folder, "types.safetensors");
    const types = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32"] as const;
    const written = new Map(types.map(type => [`layer.${type}`, mx.astype(f32([0, 1, 1, 0, 1, 1], [2, 3]), type)]));
    mx.saveSafetensors(path, written, { format: "mlx" });
    const read = mx.loadSafetensors(path);
    expect([...read.keys()].sort()).toEqual([...written.keys()].sort());
    for (const type of types) {
      const t = read.get(`layer.${type}`)!;
      expect([mx.dtype(t), mx.shape(t), numbers(t)]).toEqual([type, [2, 3], [0, 1, 1, 0, 1, 1]]);
    }
    for (const t of read.values()) mx.release(t);
  });

  mxTest("unevaluated and transposed tensors are written as what they are, with the metadata", () => {
    const path = join(folder, "lazy.safetensors");
    mx.saveSafetensors(path, new Map([["sum", mx.transpose(mx.add(f32([1, 2, 3, 4], [2, 2]), f32([10])))]]), { format: "mlx", note: "ü %s" });
    expect(readHeader(path)).toMatchObject({ __metadata__: { format: "mlx", note: "ü %s" }, sum: { dtype: "F32", shape: [2, 2] } });
    const read = mx.loadSafetensors(path);
    expect(numbers(read.get("sum")!)).toEqual([11, 13, 12, 14]);
    mx.release(read.get("sum")!);
  });

  test("loaded tensors are kept, and belong to the caller", () => {
    openForTests();
    const path = join(folder, "kept.safetensors");
    mx.scope(() => mx.saveSafetensors(path, new Map([["a", f32([1, 2])]]), {}));
    const before = mx.liveHandles();
    const tensors = mx.scope(() => mx.loadSafetensors(path)); // a Map: nothing in it moves with the scope
    expect(numbers(tensors.get("a")!)).toEqual([1, 2]);
    expect(mx.liveHandles()).toBe(before + 1);
    mx.release(tensors.get("a")!);
  });

  test("loading reads nothing until it is needed", () => {
    openForTests();
    const path = join(folder, "large.safetensors");
    mx.scope(() => mx.saveSafetensors(path, new Map([["a", mx.ones([1 << 20], "float32")]]), {}));
    mx.synchronize();
    const before = mx.activeMemory();
    const a = mx.loadSafetensors(path).get("a")!;
    expect(mx.activeMemory() - before).toBeLessThan(1 << 20);
    mx.evaluate(a);
    expect(mx.activeMemory() - before).toBeGreaterThanOrEqual(4 << 20);
    mx.release(a);
  });

  mxTest("names and paths may hold anything, percent signs too", () => {
    const path = join(folder, "%s%n%d ü.safetensors");
    mx.saveSafetensors(path, new Map([["%s.weight", f32([3])]]), {});
    const read = mx.loadSafetensors(path);
    expect(numbers(read.get("%s.weight")!)).toEqual([3]);
    mx.release(read.get("%s.weight")!);
  });

  mxTest("what is missing, broken or cut short is an error with the file's name or the reason", () => {
    expect(() => mx.loadSafetensors(join(folder, "%s%n none.safetensors"))).toThrow(/^load_safetensors: .*%s%n none.safetensors/);
    const text = join(folder, "text.safetensors");
    writeFileSync(text, "this is not a tensor file, though it is long enough to be one");
    expect(() => mx.loadSafetensors(text)).toThrow(/^load_safetensors: /);
    const cut = join(folder, "cut.safetensors");
    mx.saveSafetensors(cut, new Map([["a", mx.ones([1000], "float32")]]), {});
    truncateSync(cut, 500);
    expect(() => mx.loadSafetensors(cut)).toThrow(/^load_safetensors: .*'a'/);
    expect(() => mx.saveSafetensors("/nowhere/at/all.safetensors", new Map([["a", f32([1])]]), {})).toThrow(/^save_safetensors: /);
  });

  mxTest("a failed save leaves nothing behind for the next one", () => {
    const stale = mx.scalar(1);
    mx.release(stale);
    const entries = new Map([
      ["old", f32([1])],
      ["stale", stale],
    ]);
    expect(() => mx.saveSafetensors(join(folder, "a.safetensors"), entries, {})).toThrow(/^save_tensor: /);
    const path = join(folder, "b.safetensors");
    mx.saveSafetensors(path, new Map([["new", f32([2])]]), {});
    expect(Object.keys(readHeader(path)).filter(name => name !== "__metadata__")).toEqual(["new"]);
  });
});
