// Arithmetic, reductions and ordering against values worked out by hand.

import { describe, expect } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import type { Tensor } from "../../src/mx/index.ts";
import { expectClose, f32, i32, mxTest, numbers } from "../helpers/mx.ts";

const inf = Number.POSITIVE_INFINITY;

describe("elementwise", () => {
  const binary: [string, (a: Tensor, b: Tensor) => Tensor, number[], number[], number[]][] = [
    ["add", mx.add, [1, 2, 3], [4, 5, -6], [5, 7, -3]],
    ["subtract", mx.subtract, [1, 2, 3], [4, 5, -6], [-3, -3, 9]],
    ["multiply", mx.multiply, [1, 2, 3], [4, 5, -6], [4, 10, -18]],
    ["divide", mx.divide, [1, 2, 3], [4, 5, -6], [0.25, 0.4, -0.5]],
    ["power", mx.power, [2, 3, 4], [3, 2, 0.5], [8, 9, 2]],
    ["maximum", mx.maximum, [1, 5, 3], [4, 2, 3], [4, 5, 3]],
    ["minimum", mx.minimum, [1, 5, 3], [4, 2, 3], [1, 2, 3]],
    ["remainder", mx.remainder, [7, -7, 7.5], [3, 3, 2], [1, 2, 1.5]],
    ["floorDivide", mx.floorDivide, [7, -7, 9], [2, 2, 3], [3, -4, 3]],
    ["logaddexp", mx.logaddexp, [0, 1, -100], [0, 1, 0], [Math.LN2, 1 + Math.LN2, 0]],
    ["equal", mx.equal, [1, 2], [1, 3], [1, 0]],
    ["notEqual", mx.notEqual, [1, 2], [1, 3], [0, 1]],
    ["less", mx.less, [1, 2, 3], [2, 2, 2], [1, 0, 0]],
    ["lessEqual", mx.lessEqual, [1, 2, 3], [2, 2, 2], [1, 1, 0]],
    ["greater", mx.greater, [1, 2, 3], [2, 2, 2], [0, 0, 1]],
    ["greaterEqual", mx.greaterEqual, [1, 2, 3], [2, 2, 2], [0, 1, 1]],
    ["logicalAnd", mx.logicalAnd, [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]],
    ["logicalOr", mx.logicalOr, [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 1]],
  ];
  for (const [name, op, a, b, expected] of binary) mxTest(`${name} of two tensors`, () => expectClose(op(f32(a), f32(b)), expected));

  const unary: [string, (a: Tensor) => Tensor, number[], number[]][] = [
    ["negative", mx.negative, [1, -2], [-1, 2]],
    ["abs", mx.abs, [1, -2], [1, 2]],
    ["sign", mx.sign, [3, -2, 0], [1, -1, 0]],
    ["exp", mx.exp, [0, 1], [1, Math.E]],
    ["expm1", mx.expm1, [0, 1e-6], [0, 1.0000005e-6]],
    ["log", mx.log, [1, Math.E, 0], [0, 1, -inf]],
    ["log1p", mx.log1p, [0, 1e-6], [0, 9.999995e-7]],
    ["sqrt", mx.sqrt, [4, 2], [2, Math.SQRT2]],
    ["rsqrt", mx.rsqrt, [4, 16], [0.5, 0.25]],
    ["square", mx.square, [3, -4], [9, 16]],
    ["reciprocal", mx.reciprocal, [4, -0.5], [0.25, -2]],
    ["sigmoid", mx.sigmoid, [0, 2, -2], [0.5, 0.8807971, 0.1192029]],
    ["tanh", mx.tanh, [0, 1], [0, 0.7615942]],
    ["erf", mx.erf, [0, 1, -0.5], [0, 0.8427008, -0.5204999]],
    ["sin", mx.sin, [0, Math.PI / 2], [0, 1]],
    ["cos", mx.cos, [0, Math.PI], [1, -1]],
    ["floor", mx.floor, [1.7, -1.2], [1, -2]],
    ["ceil", mx.ceil, [1.2, -1.7], [2, -1]],
    ["round", mx.round, [0.5, 1.5, -2.6], [0, 2, -3]],
    ["logicalNot", mx.logicalNot, [0, 3], [1, 0]],
    ["isfinite", mx.isfinite, [1, inf, Number.NaN], [1, 0, 0]],
    ["isnan", mx.isnan, [1, inf, Number.NaN], [0, 0, 1]],
  ];
  for (const [name, op, a, expected] of unary) mxTest(`${name} of one tensor`, () => expectClose(op(f32(a)), expected));

  mxTest("bits are combined and shifted", () => {
    const a = i32([12, 10]);
    const b = i32([10, 3]);
    expect([mx.bitwiseAnd, mx.bitwiseOr, mx.bitwiseXor].map(op => numbers(op(a, b)))).toEqual([
      [8, 2],
      [14, 11],
      [6, 9],
    ]);
    expect(numbers(mx.leftShift(a, i32([1, 2])))).toEqual([24, 40]);
    expect(numbers(mx.rightShift(a, i32([2, 1])))).toEqual([3, 5]);
  });

  mxTest("shapes are broadcast", () => {
    const sum = mx.add(f32([1, 2, 3], [3, 1]), f32([10, 20], [1, 2]));
    expect(mx.shape(sum)).toEqual([3, 2]);
    expect(numbers(sum)).toEqual([11, 21, 12, 22, 13, 23]);
  });

  mxTest("shapes that cannot be broadcast are an error that names the operation and both shapes", () => {
    expect(() => mx.multiply(f32([1, 2]), f32([1, 2, 3]))).toThrow(/^multiply: .*\(2\).*\(3\)/);
  });

  mxTest("where chooses, clip bounds on either side", () => {
    expect(numbers(mx.where(mx.greater(f32([1, -1]), mx.scalar(0)), f32([5, 6]), f32([7, 8])))).toEqual([5, 8]);
    const a = f32([-2, 0, 2]);
    expect(numbers(mx.clip(a, mx.scalar(-1), mx.scalar(1)))).toEqual([-1, 0, 1]);
    expect(numbers(mx.clip(a, undefined, mx.scalar(1)))).toEqual([-2, 0, 1]);
    expect(numbers(mx.clip(a, mx.scalar(-1)))).toEqual([-1, 0, 2]);
  });
});

describe("reductions", () => {
  const table = () => f32([1, 2, 3, 4, 5, 6], [2, 3]);

  const reductions: [string, (a: Tensor, axes?: mx.Axes, keep?: boolean) => Tensor, number, number[], number[]][] = [
    ["sum", mx.sum, 21, [5, 7, 9], [6, 15]],
    ["mean", mx.mean, 3.5, [2.5, 3.5, 4.5], [2, 5]],
    ["max", mx.max, 6, [4, 5, 6], [3, 6]],
    ["min", mx.min, 1, [1, 2, 3], [1, 4]],
    ["prod", mx.prod, 720, [4, 10, 18], [6, 120]],
    ["argmax", mx.argmax, 5, [1, 1, 1], [2, 2]],
    ["argmin", mx.argmin, 0, [0, 0, 0], [0, 0]],
    ["logsumexp", mx.logsumexp, 6.4561934, [4.0485873, 5.0485873, 6.0485873], [3.4076059, 6.4076059]],
  ];
  for (const [name, op, whole, down, across] of reductions) {
    mxTest(`${name} over everything, one axis and an axis from the end`, () => {
      expectClose(op(table()), [whole]);
      expectClose(op(table(), 0), down);
      expectClose(op(table(), -1), across);
      expect(mx.shape(op(table(), 1, true))).toEqual([2, 1]);
      expect(mx.shape(op(table()))).toEqual([]);
    });
  }

  mxTest("several axes are reduced at once", () => {
    const a = mx.reshape(mx.arange(0, 24, 1, "float32"), [2, 3, 4]);
    expect(numbers(mx.sum(a, [0, 2]))).toEqual([60, 92, 124]);
    expect(mx.shape(mx.sum(a, [0, -1], true))).toEqual([1, 3, 1]);
    expect(() => mx.argmax(a, [0, 1])).toThrow(/argmax: over one axis or all/);
  });

  mxTest("all and any", () => {
    const a = f32([0, 1, 1, 1], [2, 2]);
    expect([numbers(mx.all(a)), numbers(mx.all(a, 1)), numbers(mx.any(a)), numbers(mx.any(a, 0))]).toEqual([[0], [0, 1], [1], [1, 1]]);
  });

  mxTest("an axis that does not exist is an error that names the operation", () => {
    expect(() => mx.sum(table(), 2)).toThrow(/^sum: .*axis 2/);
    expect(() => mx.softmax(table(), 5)).toThrow(/^softmax: /);
  });

  mxTest("softmax along an axis", () => {
    expectClose(mx.softmax(table()), [0.09003057, 0.24472847, 0.66524096, 0.09003057, 0.24472847, 0.66524096]);
    expectClose(mx.softmax(table(), 0), [0.04742587, 0.04742587, 0.04742587, 0.95257413, 0.95257413, 0.95257413]);
    expectClose(mx.softmax(f32([-inf, 0, 0]), -1), [0, 0.5, 0.5]);
  });

  mxTest("cumulative sums run either way and include their element or not", () => {
    const a = f32([1, 2, 3]);
    expect(numbers(mx.cumsum(a, 0))).toEqual([1, 3, 6]);
    expect(numbers(mx.cumsum(a, 0, true))).toEqual([6, 5, 3]);
    expect(numbers(mx.cumsum(a, 0, false, false))).toEqual([0, 1, 3]);
  });
});

describe("ordering", () => {
  const row = () => f32([3, 1, 2, 5, 4], [1, 5]);

  mxTest("sort and argsort", () => {
    expect(numbers(mx.sort(row(), -1))).toEqual([1, 2, 3, 4, 5]);
    expect(numbers(mx.argsort(row(), 1))).toEqual([1, 2, 0, 4, 3]);
  });

  mxTest("partition and argpartition put one element where sorting would", () => {
    const sorted = numbers(mx.partition(row(), 2, -1));
    expect(sorted[2]).toBe(3);
    expect(Math.max(...sorted.slice(0, 2))).toBeLessThan(3);
    expect(numbers(mx.argpartition(row(), -1, -1))[4]).toBe(3);
  });

  mxTest("topk gives the largest values", () => {
    expect(numbers(mx.topk(row(), 2, -1)).sort()).toEqual([4, 5]);
  });
});
