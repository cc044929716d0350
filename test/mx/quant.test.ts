// Quantized matrices: every width and group size, packed and unpacked, multiplied and gathered.

import { describe, expect } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { f32, i32, mxTest, numbers } from "../helpers/mx.ts";

type Affine = { readonly groupSize: number; readonly bits: number; readonly mode: "affine" };

const worst = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

// The groups' ranges divided by the steps that the bits allow, halved: what rounding may change.
function roundingBound(values: readonly number[], { groupSize, bits }: Affine): number {
  let widest = 0;
  for (let i = 0; i < values.length; i += groupSize) {
    const group = values.slice(i, i + groupSize);
    widest = Math.max(widest, Math.max(...group, 0) - Math.min(...group, 0));
  }
  return (widest / (2 ** bits - 1)) * 1.05;
}

describe("affine quantization", () => {
  for (const bits of [2, 3, 4, 5, 6, 8]) {
    for (const groupSize of [32, 64, 128]) {
      mxTest(`${bits} bits in groups of ${groupSize} come back within a rounding step, and multiply like the matrix they stand for`, () => {
        const q: Affine = { groupSize, bits, mode: "affine" };
        const w = mx.randomNormal([16, 256], "float32", 7);
        const [packed, scales, biases] = mx.quantize(w, q) as [mx.Tensor, mx.Tensor, mx.Tensor];
        expect([mx.dtype(packed), mx.shape(packed), mx.shape(scales), mx.shape(biases)]).toEqual([
          "uint32",
          [16, (256 * bits) / 32],
          [16, 256 / groupSize],
          [16, 256 / groupSize],
        ]);
        const back = mx.dequantize(packed, scales, biases, q);
        expect(worst(numbers(back), numbers(w))).toBeLessThan(roundingBound(numbers(w), q));

        const x = mx.randomNormal([3, 256], "float32", 8);
        const product = mx.quantizedMatmul(x, packed, scales, biases, q);
        expect(mx.shape(product)).toEqual([3, 16]);
        expect(worst(numbers(product), numbers(mx.matmul(x, mx.transpose(back))))).toBeLessThan(1e-4);

        const y = mx.randomNormal([3, 16], "float32", 9);
        const untransposed = mx.quantizedMatmul(y, packed, scales, biases, q, false);
        expect(worst(numbers(untransposed), numbers(mx.matmul(y, back)))).toBeLessThan(1e-4);
      });
    }
  }

  mxTest("a row's product is the same alone and among others", () => {
    const q: Affine = { groupSize: 64, bits: 4, mode: "affine" };
    const [w, scales, biases] = mx.quantize(mx.randomNormal([8, 128], "float32", 1), q) as [mx.Tensor, mx.Tensor, mx.Tensor];
    const x = mx.randomNormal([5, 128], "float32", 2);
    const all = mx.quantizedMatmul(x, w, scales, biases, q);
    for (let i = 0; i < 5; i++) {
      const alone = mx.quantizedMatmul(mx.sliceAxis(x, 0, i, i + 1), w, scales, biases, q);
      expect(numbers(alone)).toEqual(numbers(mx.sliceAxis(all, 0, i, i + 1)));
    }
  });

  mxTest("a width or group size that MLX has not is an error that names the operation", () => {
    expect(() => mx.quantize(mx.zeros([4, 64], "float32"), { groupSize: 64, bits: 7, mode: "affine" })).toThrow(/^quantize: /);
    expect(() => mx.quantize(mx.zeros([4, 60], "float32"), { groupSize: 64, bits: 4, mode: "affine" })).toThrow(/^quantize: /);
  });

  mxTest("shapes that do not fit the packed matrix are an error", () => {
    const q: Affine = { groupSize: 64, bits: 4, mode: "affine" };
    const [w, scales, biases] = mx.quantize(mx.zeros([8, 128], "float32"), q) as [mx.Tensor, mx.Tensor, mx.Tensor];
    expect(() => mx.quantizedMatmul(mx.zeros([1, 64], "float32"), w, scales, biases, q)).toThrow(/^quantized_matmul: /);
  });
});

describe("floating point quantization", () => {
  const modes: [mx.Quantization, number][] = [
    [{ groupSize: 32, bits: 4, mode: "mxfp4" }, 0.5],
    [{ groupSize: 32, bits: 8, mode: "mxfp8" }, 0.2],
    [{ groupSize: 16, bits: 4, mode: "nvfp4" }, 0.5],
  ];
  for (const [q, bound] of modes) {
    mxTest(`${q.mode} has no biases and multiplies like the matrix it stands for`, () => {
      const w = mx.clip(mx.randomNormal([16, 128], "float32", 7), mx.scalar(-2), mx.scalar(2));
      const parts = mx.quantize(w, q);
      expect(parts.length).toBe(2);
      const [packed, scales] = parts as [mx.Tensor, mx.Tensor];
      const back = mx.dequantize(packed, scales, undefined, q, "float32");
      expect(worst(numbers(back), numbers(w))).toBeLessThan(bound);
      const x = mx.randomNormal([3, 128], "float32", 8);
      const product = mx.quantizedMatmul(x, packed, scales, undefined, q);
      expect(worst(numbers(product), numbers(mx.matmul(x, mx.transpose(back))))).toBeLessThan(1e-4);
    });
  }

  mxTest("dequantize gives the type asked for", () => {
    const q: Affine = { groupSize: 32, bits: 4, mode: "affine" };
    const [w, scales, biases] = mx.quantize(mx.ones([4, 32], "float32"), q) as [mx.Tensor, mx.Tensor, mx.Tensor];
    expect(mx.dtype(mx.dequantize(w, scales, biases, q))).toBe("float32");
    expect(mx.dtype(mx.dequantize(w, scales, biases, q, "bfloat16"))).toBe("bfloat16");
  });
});

describe("gathered products", () => {
  // Two experts of [3, 32]; row 0 goes to expert 1 and row 1 to expert 0.
  const experts = () => mx.randomNormal([2, 3, 32], "float32", 3);
  const rows = () => mx.randomNormal([2, 1, 32], "float32", 4);

  mxTest("gatherMm multiplies each row with the expert that its index names", () => {
    const w = mx.swapaxes(experts(), 1, 2);
    const out = mx.gatherMm(rows(), w, undefined, i32([1, 0]));
    for (const [row, expert] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const alone = mx.matmul(mx.sliceAxis(rows(), 0, row, row + 1), mx.sliceAxis(w, 0, expert, expert + 1));
      expect(worst(numbers(mx.sliceAxis(out, 0, row, row + 1)), numbers(alone))).toBeLessThan(1e-5);
    }
  });

  mxTest("gatherQmm does the same with quantized experts, in sorted order too", () => {
    const q: Affine = { groupSize: 32, bits: 8, mode: "affine" };
    const [w, scales, biases] = mx.quantize(experts(), q) as [mx.Tensor, mx.Tensor, mx.Tensor];
    const dense = mx.swapaxes(mx.dequantize(w, scales, biases, q), 1, 2);
    for (const [indices, sorted] of [
      [[1, 0], false],
      [[0, 1], true],
    ] as const) {
      const out = mx.gatherQmm(rows(), w, scales, biases, undefined, i32(indices), q, true, sorted);
      const expected = mx.gatherMm(rows(), dense, undefined, i32(indices));
      expect(worst(numbers(out), numbers(expected))).toBeLessThan(1e-4);
    }
  });

  mxTest("left-hand indices choose rows", () => {
    const out = mx.gatherMm(f32([1, 2], [2, 1, 1]), f32([10, 100], [2, 1, 1]), i32([1, 0, 1]), i32([0, 0, 1]));
    expect(numbers(out)).toEqual([20, 10, 200]);
  });
});
