// Shapes, joining and splitting, creation, slices, gathers and scatters.

import { describe, expect } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { f32, i32, mxTest, numbers } from "../helpers/mx.ts";

const table = () => f32([1, 2, 3, 4, 5, 6], [2, 3]);
const range = (n: number, shape: readonly number[]) => mx.reshape(mx.arange(0, n, 1, "float32"), shape);

describe("shapes", () => {
  mxTest("reshape, flatten, expandDims and squeeze keep the values in order", () => {
    expect(mx.shape(mx.reshape(table(), [3, -1]))).toEqual([3, 2]);
    expect(numbers(mx.reshape(table(), [3, 2]))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(mx.shape(mx.flatten(range(24, [2, 3, 4]), 1))).toEqual([2, 12]);
    expect(mx.shape(mx.flatten(range(24, [2, 3, 4]), 0, 1))).toEqual([6, 4]);
    expect(mx.shape(mx.expandDims(table(), -1))).toEqual([2, 3, 1]);
    expect(mx.shape(mx.expandDims(table(), [0, 2]))).toEqual([1, 2, 1, 3]);
    expect(mx.shape(mx.squeeze(range(6, [1, 6, 1]), [0, -1]))).toEqual([6]);
    expect(mx.shape(mx.squeeze(range(6, [1, 6, 1]), 0))).toEqual([6, 1]);
    expect(() => mx.reshape(table(), [4, 2])).toThrow(/^reshape: .*6.*\(4,2\)/);
  });

  mxTest("transpose and swapaxes move axes", () => {
    expect(mx.shape(mx.transpose(range(24, [2, 3, 4])))).toEqual([4, 3, 2]);
    expect(mx.shape(mx.transpose(range(24, [2, 3, 4]), [1, 0, 2]))).toEqual([3, 2, 4]);
    expect(mx.shape(mx.swapaxes(range(24, [2, 3, 4]), -1, 0))).toEqual([4, 3, 2]);
    expect(numbers(mx.transpose(table(), [1, 0]))).toEqual([1, 4, 2, 5, 3, 6]);
  });

  mxTest("concatenate and stack join", () => {
    expect(numbers(mx.concatenate([table(), table()], 1))).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
    expect(mx.shape(mx.concatenate([table(), table(), table()], 0))).toEqual([6, 3]);
    expect(mx.shape(mx.stack([table(), table()], -1))).toEqual([2, 3, 2]);
    expect(() => mx.concatenate([table(), f32([1, 2], [1, 2])], 0)).toThrow(/^concatenate: /);
    expect(() => mx.concatenate([], 0)).toThrow(/^concatenate: /);
  });

  mxTest("split cuts into equal parts or at indices", () => {
    expect(mx.split(table(), 3, 1).map(numbers)).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(mx.split(table(), [1], -1).map(mx.shape)).toEqual([
      [2, 1],
      [2, 2],
    ]);
    expect(() => mx.split(table(), 2, 1)).toThrow(/^split: /);
  });

  mxTest("repeat, tile, pad and roll", () => {
    const a = f32([1, 2]);
    expect(numbers(mx.repeat(a, 2, 0))).toEqual([1, 1, 2, 2]);
    expect(numbers(mx.tile(a, [2]))).toEqual([1, 2, 1, 2]);
    expect(numbers(mx.pad(a, 0, 1, 2))).toEqual([0, 1, 2, 0, 0]);
    expect(numbers(mx.pad(mx.astype(a, "bfloat16"), -1, 0, 1, -1.5))).toEqual([1, 2, -1.5]);
    expect(numbers(mx.roll(f32([1, 2, 3]), 1, 0))).toEqual([3, 1, 2]);
    expect(numbers(mx.roll(f32([1, 2, 3]), -1, 0))).toEqual([2, 3, 1]);
  });

  mxTest("tensors out of nothing", () => {
    expect(numbers(mx.zeros([2, 2], "int32"))).toEqual([0, 0, 0, 0]);
    expect(numbers(mx.ones([2], "float16"))).toEqual([1, 1]);
    expect(numbers(mx.full([3], -0.5, "bfloat16"))).toEqual([-0.5, -0.5, -0.5]);
    expect(numbers(mx.arange(1, 2, 0.25, "float32"))).toEqual([1, 1.25, 1.5, 1.75]);
    expect(numbers(mx.tri(2, 3, 0, "float32"))).toEqual([1, 0, 0, 1, 1, 0]);
    expect(numbers(mx.tril(table()))).toEqual([1, 0, 0, 4, 5, 0]);
    expect(numbers(mx.triu(table(), 1))).toEqual([0, 2, 3, 0, 0, 6]);
    expect(mx.dtype(mx.zerosLike(mx.scalar(3, "uint8")))).toBe("uint8");
  });
});

describe("slices", () => {
  mxTest("slice takes starts, stops and strides, sliceAxis one axis", () => {
    expect(numbers(mx.slice(table(), [0, 1], [2, 3]))).toEqual([2, 3, 5, 6]);
    expect(numbers(mx.slice(table(), [0, 0], [2, 3], [1, 2]))).toEqual([1, 3, 4, 6]);
    expect(numbers(mx.sliceAxis(table(), -1, 1, 2))).toEqual([2, 5]);
    expect(numbers(mx.sliceAxis(table(), 0, -1, 2))).toEqual([4, 5, 6]);
    expect(() => mx.sliceAxis(table(), 2, 0, 1)).toThrow("slice_axis: axis 2 of a tensor with 2 axes");
    expect(() => mx.sliceAxis(table(), -3, 0, 1)).toThrow(mx.MxError);
    expect(() => mx.slice(table(), [0], [1])).toThrow(/^slice: /);
  });

  mxTest("sliceUpdate writes part of a copy", () => {
    const a = table();
    const b = mx.sliceUpdate(a, f32([8, 9], [2, 1]), [0, 1], [2, 2]);
    expect(numbers(b)).toEqual([1, 8, 3, 4, 9, 6]);
    expect(numbers(a)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(numbers(mx.sliceUpdate(a, f32([8, 9], [1, 2]), [1, 0], [2, 3], [1, 2]))).toEqual([1, 2, 3, 8, 5, 9]);
  });

  mxTest("the dynamic forms start where a tensor says", () => {
    const start = i32([1]);
    expect(numbers(mx.sliceDynamic(table(), start, [1], [2, 2]))).toEqual([2, 3, 5, 6]);
    expect(numbers(mx.sliceUpdateDynamic(table(), f32([0, 0], [2, 1]), start, [1]))).toEqual([1, 0, 3, 4, 0, 6]);
  });
});

describe("gathers and scatters", () => {
  mxTest("take picks rows, columns or elements", () => {
    expect(numbers(mx.take(table(), i32([1, 0, 1]), 0))).toEqual([4, 5, 6, 1, 2, 3, 4, 5, 6]);
    expect(numbers(mx.take(table(), i32([2]), -1))).toEqual([3, 6]);
    expect(numbers(mx.take(table(), i32([5, 0])))).toEqual([6, 1]);
    expect(mx.shape(mx.take(table(), i32([0, 1, 1, 0], [2, 2]), 0))).toEqual([2, 2, 3]);
  });

  mxTest("takeAlongAxis and putAlongAxis use an index per place", () => {
    expect(numbers(mx.takeAlongAxis(table(), i32([2, 0], [2, 1]), 1))).toEqual([3, 4]);
    expect(numbers(mx.putAlongAxis(table(), i32([2, 0], [2, 1]), f32([7, 8], [2, 1]), 1))).toEqual([1, 2, 7, 8, 5, 6]);
  });

  mxTest("scatter writes one row of a slot each: all rows' new keys in one call", () => {
    const slots = mx.zeros([2, 1, 4, 2], "float32"); // rows, heads, capacity, features
    const keys = f32([1, 2, 3, 4], [2, 1, 1, 1, 2]); // index shape [2, 1], then a size per axis of the slots
    const rows = i32([0, 1], [2, 1]);
    const offsets = i32([3, 1], [2, 1]);
    const written = mx.scatter(slots, [rows, offsets], mx.reshape(keys, [2, 1, 1, 1, 1, 2]), [0, 2]);
    expect(numbers(written)).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0]);
  });

  mxTest("scatterAdd adds up what falls on one place", () => {
    expect(numbers(mx.scatterAdd(f32([10, 20, 30]), [i32([0, 2, 0])], f32([1, 2, 3], [3, 1]), [0]))).toEqual([14, 20, 32]);
    expect(() => mx.scatter(table(), [i32([0])], f32([1], [1, 1]), [0])).toThrow(/^scatter: /);
    expect(() => mx.scatter(table(), [0 as mx.Tensor], f32([1], [1, 1, 1]), [0])).toThrow(/^scatter: tensor 1 of 1 is no tensor/);
  });
});

describe("updates in place", () => {
  const capacity = [16, 1024, 64]; // 4 MB
  const bytes = 16 * 1024 * 64 * 4;

  function peakOf(update: (buffer: mx.Tensor) => mx.Tensor, releasesFirst: boolean): number {
    const buffer = mx.keep(mx.randomNormal(capacity, "float32", 1));
    mx.evaluate(buffer);
    mx.synchronize();
    mx.clearCache();
    mx.resetPeakMemory();
    const before = mx.activeMemory();
    const updated = update(buffer);
    if (releasesFirst) mx.release(buffer);
    mx.evaluate(updated);
    if (!releasesFirst) mx.release(buffer);
    return mx.peakMemory() - before;
  }

  const row = () => mx.ones([16, 1, 64], "float32");
  const updates: [string, (buffer: mx.Tensor) => mx.Tensor][] = [
    ["sliceUpdate", a => mx.sliceUpdate(a, row(), [0, 5, 0], [16, 6, 64])],
    ["sliceUpdateDynamic", a => mx.sliceUpdateDynamic(a, row(), i32([5]), [1])],
    ["scatter", a => mx.scatter(a, [mx.arange(0, 16, 1, "int32"), mx.full([16], 5, "int32")], mx.ones([16, 1, 1, 64], "float32"), [0, 1])],
  ];
  for (const [name, update] of updates) {
    mxTest(`${name} needs no second buffer when the old handle was released`, () => {
      expect(peakOf(update, true)).toBeLessThan(bytes / 4);
    });
    mxTest(`${name} copies while the old handle lives`, () => {
      expect(peakOf(update, false)).toBeGreaterThanOrEqual(bytes);
    });
  }
});
