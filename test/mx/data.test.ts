// Data in and out, element types, evaluation, the device's memory, and the graph.

import { describe, expect, test } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { expectClose, f32, i32, mxTest, numbers, openForTests } from "../helpers/mx.ts";

describe("element types", () => {
  const sizes: [mx.Dtype, number][] = [
    ["bool", 1],
    ["uint8", 1],
    ["uint16", 2],
    ["uint32", 4],
    ["uint64", 8],
    ["int8", 1],
    ["int16", 2],
    ["int32", 4],
    ["int64", 8],
    ["float16", 2],
    ["bfloat16", 2],
    ["float32", 4],
  ];
  for (const [type, bytes] of sizes) {
    mxTest(`${type} has ${bytes} bytes an element and is cast to and from`, () => {
      const a = mx.astype(f32([0, 1, 1]), type);
      expect([mx.dtype(a), mx.size(a), mx.byteSize(a)]).toEqual([type, 3, 3 * bytes]);
      expect(numbers(a)).toEqual([0, 1, 1]);
      const one = mx.scalar(1, type);
      expect([mx.dtype(one), mx.shape(one), numbers(one)]).toEqual([type, [], [1]]);
      expect(numbers(mx.full([2], 1, type))).toEqual([1, 1]);
      expect(mx.dtype(mx.full([2], 1, type))).toBe(type);
    });
  }

  mxTest("a scalar is rounded to its type exactly as a cast does it", () => {
    const edges = [
      0,
      -0,
      1,
      -1,
      0.1,
      1 / 3,
      65504,
      65519.99,
      65520,
      1e5,
      6e-8,
      2.98e-8,
      5.96e-8,
      6.1e-5,
      6.097e-5,
      -3.05e-5,
      1e-9,
      1e30,
      -1e39,
      1.00048828125,
      3.0009765625,
    ];
    for (const type of ["float16", "bfloat16"] as const) {
      for (const value of [...edges, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(numbers(mx.scalar(value, type))).toStrictEqual(numbers(mx.astype(mx.scalar(value), type)));
      }
    }
  });

  mxTest("negative integers survive", () => {
    for (const type of ["int8", "int16", "int32", "int64"] as const) expect(numbers(mx.scalar(-3, type))).toEqual([-3]);
  });

  mxTest("a Uint16Array gives a 16-bit float its bits, and any other type its numbers", () => {
    expect(numbers(mx.fromArray(new Uint16Array([0x3f80, 0xc000]), [2], "bfloat16"))).toEqual([1, -2]);
    expect(numbers(mx.fromArray(new Uint16Array([0x3c00, 0xc000]), [2], "float16"))).toEqual([1, -2]);
    expect(numbers(mx.fromArray(new Uint16Array([3, 4]), [2], "float32"))).toEqual([3, 4]);
  });

  mxTest("view reads the same bytes as another type", () => {
    expect([...mx.toUint32(mx.view(f32([1, 2]), "uint32"))]).toEqual([0x3f800000, 0x40000000]);
  });
});

describe("data", () => {
  mxTest("every kind of typed array comes back as it went in", () => {
    expect([...mx.toUint8(mx.fromArray(new Uint8Array([1, 255]), [2]))]).toEqual([1, 255]);
    expect([...mx.toInt32(mx.fromArray(new Int32Array([-1, 2 ** 31 - 1]), [2]))]).toEqual([-1, 2 ** 31 - 1]);
    expect([...mx.toUint32(mx.fromArray(new Uint32Array([1, 2 ** 32 - 1]), [2]))]).toEqual([1, 2 ** 32 - 1]);
    expect([...mx.toFloat32(mx.fromArray(new Float32Array([0.5, -0.25]), [2]))]).toEqual([0.5, -0.25]);
  });

  mxTest("part of a buffer is read from where it begins", () => {
    expect(numbers(mx.fromArray(new Float32Array([1, 2, 3, 4]).subarray(1, 3), [2]))).toEqual([2, 3]);
  });

  mxTest("the data is copied: changing it afterwards changes nothing", () => {
    const data = new Float32Array([1, 2]);
    const a = mx.fromArray(data, [2]);
    data.fill(9);
    expect(numbers(a)).toEqual([1, 2]);
  });

  mxTest("a shape that does not fit the data is an error", () => {
    expect(() => mx.fromArray(new Float32Array(5), [2, 3])).toThrow(new mx.MxError("from_data: the shape needs 24 bytes and the data has 20"));
  });

  mxTest("empty tensors are tensors", () => {
    const empty = mx.fromArray(new Float32Array(0), [0, 4]);
    expect([mx.shape(empty), mx.size(empty), numbers(empty)]).toEqual([[0, 4], 0, []]);
    expect(mx.shape(mx.concatenate([empty, f32([1, 2, 3, 4], [1, 4])], 0))).toEqual([1, 4]);
  });

  mxTest("a transposed tensor is read in the order of its own rows", () => {
    expect(numbers(mx.transpose(f32([1, 2, 3, 4, 5, 6], [2, 3])))).toEqual([1, 4, 2, 5, 3, 6]);
    expect(numbers(mx.contiguous(mx.transpose(f32([1, 2, 3, 4], [2, 2]))))).toEqual([1, 3, 2, 4]);
    expect(numbers(mx.broadcastTo(f32([7]), [3]))).toEqual([7, 7, 7]);
  });

  mxTest("a list longer than the scratch buffer is an error", () => {
    expect(() => mx.reshape(f32([1]), new Array(70_000).fill(1))).toThrow(mx.MxError);
  });
});

describe("evaluation", () => {
  mxTest("several tensors are evaluated at once, now or in the background", () => {
    const a = mx.exp(f32([0]));
    const b = mx.add(a, a);
    mx.evaluate(a, b);
    const c = mx.multiply(b, b);
    mx.asyncEvaluate(c);
    mx.synchronize();
    expectClose(c, [4]);
    mx.evaluate();
  });

  mxTest("a stale tensor among others is an error that says which", () => {
    const stale = mx.scalar(1);
    mx.release(stale);
    expect(() => mx.evaluate(mx.scalar(2), stale)).toThrow(/^evaluate: tensor 2 of 2 is not alive/);
  });

  mxTest("primitives are counted until they are evaluated", () => {
    const a = f32([1, 2]);
    const b = mx.exp(mx.add(a, a));
    const c = mx.add(b, mx.negative(b));
    expect(Object.fromEntries(mx.primitives([c]))).toEqual({ Add: 2, Exp: 1, Negative: 1 });
    mx.evaluate(c);
    expect(mx.primitives([c]).size).toBe(0);
  });
});

test("the device's memory is counted and limited", () => {
  openForTests();
  expect(mx.device()).toBe("cpu");
  expect(mx.mlxVersion()).toMatch(/^\d+\.\d+\.\d+/);
  expect(mx.deviceMemory()).toBeGreaterThan(2 ** 28);
  mx.clearCache();
  mx.resetPeakMemory();
  const before = mx.activeMemory();
  mx.scope(() => {
    mx.evaluate(mx.randomNormal([1 << 20], "float32", 1));
    expect(mx.peakMemory() - before).toBeGreaterThanOrEqual(4 << 20);
  });
  expect(mx.cacheMemory()).toBeGreaterThanOrEqual(0);
  mx.setCacheLimit(64 << 20);
  mx.setMemoryLimit(8 * 2 ** 30);
  mx.setWiredLimit(0);
});

test("random values depend on the seed alone", () => {
  openForTests();
  const draw = (seed: number) => mx.scope(() => mx.toFloat32(mx.randomNormal([1000], "float32", seed)));
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  const mean = draw(3).reduce((sum, x) => sum + x, 0) / 1000;
  expect(Math.abs(mean)).toBeLessThan(0.2);
  const uniform = mx.scope(() => mx.toFloat32(mx.randomUniform([1000], "float32", 5)));
  expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...uniform)).toBeLessThan(1);
});

test("indices of a decode step are read without a cast", () => {
  openForTests();
  mx.scope(() => expect([...mx.toUint32(mx.argmax(f32([1, 3, 2, 9, 0, 4], [2, 3]), -1))]).toEqual([1, 0]));
  mx.scope(() => expect([...mx.toInt32(i32([4, 5]))]).toEqual([4, 5]));
});
