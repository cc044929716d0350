// The kernels of ours on a GPU that takes them, against MLX's operations in float32. Elsewhere test/cuda runs the same kernels on the CPU.
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as mx from "../../src/mx/index.ts";
import type { Dtype, Tensor } from "../../src/mx/index.ts";

const library = process.env["PIPPIN_TEST_SHIM"] ?? join(import.meta.dir, "../../.build/lib/mlx/lib/libshim.so");
if (existsSync(library)) mx.openLibrary(library, "auto");

const types = ["bfloat16", "float16"] as const;
const BOUND = { bfloat16: 0.01, float16: 0.0015 }; // of the largest result: inputs and results are rounded
let seed = 1;

function random(shape: readonly number[], dtype: Dtype): Tensor {
  return mx.astype(mx.randomNormal(shape, "float32", seed++), dtype);
}

const wide = (t: Tensor): Tensor => mx.astype(t, "float32");

/** The largest difference, in relation to the largest of `want`. */
function difference(got: Tensor, want: Tensor): number {
  const [a, b] = [mx.toFloat32(got), mx.toFloat32(want)];
  expect(a.length).toBe(b.length);
  let [most, top] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    const apart = Math.abs(a[i]! - b[i]!);
    most = Number.isNaN(apart) ? Infinity : Math.max(most, apart);
    top = Math.max(top, Math.abs(b[i]!));
  }
  return most / top;
}

describe.skipIf(!mx.ownKernels())("kernels of ours", () => {
  for (const type of types) {
    test(`multiply packed ${type} matrices, each row alike for any number of rows`, () => {
      for (const bits of [4, 8])
        for (const groupSize of [32, 64, 128])
          for (const [outputs, inputs] of [
            [1000, 1024],
            [64, 128],
            [9000, 256],
          ] as const)
            mx.scope(() => {
              const q = { bits, groupSize, mode: "affine" } as const;
              const [w, scales, biases] = mx.quantize(random([outputs, inputs], type), q) as [Tensor, Tensor, Tensor];
              const turned = mx.swapaxes(mx.dequantize(w, wide(scales), wide(biases), q), 0, 1);
              const x = random([70, 1, inputs], type);
              const first: string[] = [];
              for (const rows of [1, 3, 8, 9, 16, 17, 33, 70]) {
                const part = mx.sliceAxis(x, 0, 0, rows);
                const product = mx.packedMatmul(part, w, scales, biases, q);
                expect(difference(product, mx.matmul(wide(part), turned))).toBeLessThan(BOUND[type]);
                first.push(mx.toFloat32(mx.sliceAxis(product, 0, 0, 1)).join());
              }
              expect(new Set(first).size).toBe(1);
            });
    });

    test(`norm, turn and place ${type} heads`, () => {
      for (const [width, heads, kvHeads] of [
        [128, 16, 8],
        [64, 8, 1],
        [256, 8, 4],
      ] as const)
        mx.scope(() => {
          const [rows, length, at] = [3, 5, 7];
          const projected = random([rows, length, (heads + 2 * kvHeads) * width], type);
          const gains = random([heads + kvHeads, 1, width], type);
          const offsets = mx.fromArray(new Int32Array(rows).fill(at), [rows]);
          const angles = mx.fromArray(
            Float32Array.from({ length: width / 2 }, (_, i) => 1e6 ** ((-2 * i) / width)),
            [width / 2],
          );
          const slab = (): Tensor => mx.zeros([4, kvHeads, 256, width], type);
          const [queries, keys, values] = mx.placeHeads(
            projected,
            { gains, eps: 1e-6, angles, dims: width, traditional: false },
            offsets,
            slab(),
            slab(),
            heads,
          );
          const byHead = mx.transpose(mx.reshape(projected, [rows, length, heads + 2 * kvHeads, width]), [0, 2, 1, 3]);
          const normed = mx.multiply(mx.rmsNorm(mx.sliceAxis(byHead, 1, 0, heads + kvHeads), undefined, 1e-6), gains);
          const turned = mx.rope(normed, width, { base: 1e6, scale: 1, traditional: false }, offsets);
          const placed = (held: Tensor): Tensor => mx.slice(held, [0, 0, at, 0], [rows, kvHeads, at + length, width]);
          expect(difference(queries, mx.sliceAxis(turned, 1, 0, heads))).toBeLessThan(BOUND[type]);
          expect(difference(placed(keys), mx.sliceAxis(turned, 1, heads, heads + kvHeads))).toBeLessThan(BOUND[type]);
          expect(difference(placed(values), mx.sliceAxis(byHead, 1, heads + kvHeads, heads + 2 * kvHeads))).toBe(0);
          expect(mx.toFloat32(mx.sum(mx.abs(mx.sliceAxis(keys, 2, at + length, 256))))[0]).toBe(0);
        });
    });

    test(`attend from one ${type} position per row`, () => {
      for (const [width, heads, kvHeads] of [
        [128, 16, 8],
        [64, 8, 1],
        [256, 8, 4],
      ] as const)
        for (const [lengths, window] of [
          [[3, 100, 255], 0],
          [[0, 700, 1023, 64], 0],
          [[900, 20, 2000], 300],
          [[5000], 0],
        ] as const)
          mx.scope(() => {
            const [rows, longest, scale] = [lengths.length, Math.max(...lengths) + 1, width ** -0.5];
            const held = (): Tensor => mx.slice(random([rows, kvHeads, longest + 30, width], type), [0, 0, 0, 0], [rows, kvHeads, longest, width]);
            const [keys, values, queries] = [held(), held(), random([rows, heads, 1, width], type)];
            const found = mx.attendOne(queries, keys, values, mx.fromArray(Int32Array.from(lengths), [rows]), scale, window);
            const want = lengths.map((last, row) => {
              const first = window === 0 ? 0 : Math.max(0, last + 1 - window);
              const seen = (t: Tensor): Tensor => wide(mx.slice(t, [row, 0, first, 0], [row + 1, kvHeads, last + 1, width]));
              return mx.scaledDotProductAttention(wide(mx.sliceAxis(queries, 0, row, row + 1)), seen(keys), seen(values), scale, undefined);
            });
            expect(difference(found, mx.concatenate(want, 0))).toBeLessThan(BOUND[type]);
          });
    });

    test(`attend from many ${type} positions`, () => {
      for (const [width, heads, kvHeads] of [
        [128, 16, 8],
        [64, 8, 1],
        [256, 8, 4],
      ] as const)
        for (const [length, all, window] of [
          [7, 7, 0],
          [64, 64, 0],
          [130, 700, 0],
          [2100, 2300, 0],
          [300, 900, 100],
        ] as const)
          mx.scope(() => {
            const [rows, scale] = [2, width ** -0.5];
            const held = (): Tensor => mx.slice(random([rows, kvHeads, all + 9, width], type), [0, 0, 0, 0], [rows, kvHeads, all, width]);
            const [keys, values, queries] = [held(), held(), random([rows, heads, length, width], type)];
            const found = mx.attendMany(queries, keys, values, scale, window);
            const [key, query] = [mx.expandDims(mx.arange(0, all, 1, "int32"), [0]), mx.expandDims(mx.arange(all - length, all, 1, "int32"), [1])];
            const past = mx.lessEqual(key, query);
            const near = mx.greater(key, mx.subtract(query, mx.scalar(window || all, "int32")));
            const want = mx.scaledDotProductAttention(wide(queries), wide(keys), wide(values), scale, mx.logicalAnd(past, near));
            expect(difference(found, mx.transpose(want, [0, 2, 1, 3]))).toBeLessThan(BOUND[type]);
          });
    });
  }

  test("draw ids as often as they are probable, within their limits", () => {
    const [rows, count] = [2000, 5000];
    mx.scope(() => {
      const logits = mx.multiply(random([1, count], "float32"), mx.scalar(3));
      const probabilities = [...mx.toFloat32(mx.softmax(logits, -1))];
      const likely = probabilities.map((p, id) => ({ p, id })).toSorted((a, b) => b.p - a.p);
      const draw = (temperature: number, topP: number, topK: number, minP: number): Uint32Array => {
        const options = Float32Array.from({ length: rows * 5 }, (_, i) => [temperature, topP, topK, minP, (Math.floor(i / 5) + 0.5) / rows][i % 5]!);
        return mx.toUint32(mx.drawIds(mx.contiguous(mx.broadcastTo(logits, [rows, count])), mx.fromArray(options, [rows, 5])));
      };
      const expectShares = (ids: Uint32Array, passing: readonly { p: number; id: number }[]): void => {
        const all = passing.reduce((sum, { p }) => sum + p, 0);
        const times = new Map<number, number>();
        for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
        expect([...times.keys()].every(id => passing.some(one => one.id === id))).toBe(true);
        for (const { p, id } of passing) expect(Math.abs((times.get(id) ?? 0) - (rows * p) / all)).toBeLessThan(1.5);
      };
      expect(new Set(draw(0, 1, 0, 0))).toEqual(new Set([likely[0]!.id]));
      expect(new Set(draw(1, 1, 1, 0))).toEqual(new Set([likely[0]!.id]));
      expectShares(draw(1, 1, 0, 0), likely);
      expectShares(draw(1, 1, 40, 0), likely.slice(0, 40));
      expectShares(
        draw(1, 1, 0, 0.2),
        likely.filter(({ p }) => p >= 0.2 * likely[0]!.p),
      );
      let before = 0;
      expectShares(
        draw(1, 0.8, 0, 0),
        likely.filter(({ p }) => {
          const passes = before < 0.8;
          before += p;
          return passes;
        }),
      );
    });
  });
});
