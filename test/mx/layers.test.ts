// Products, convolutions, norms, rotary positions, attention and activations against the definitions, in plain numbers.

import { describe, expect } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { expectClose, f32, i32, mxTest, numbers } from "../helpers/mx.ts";

const row = (t: mx.Tensor, i: number) => mx.sliceAxis(t, 0, i, i + 1);

describe("products and convolutions", () => {
  mxTest("matmul and addmm", () => {
    const a = f32([1, 2, 3, 4], [2, 2]);
    const b = f32([5, 6, 7, 8], [2, 2]);
    expect(numbers(mx.matmul(a, b))).toEqual([19, 22, 43, 50]);
    expect(numbers(mx.addmm(f32([100, 200]), a, b))).toEqual([119, 222, 143, 250]);
    expect(() => mx.matmul(a, f32([1, 2, 3], [3, 1]))).toThrow(/^matmul: .*\(2,2\).*\(3,1\)/);
  });

  mxTest("conv1d slides over the length, in groups too", () => {
    const x = f32([1, 2, 3, 4], [1, 4, 1]);
    const w = f32([1, 10], [1, 2, 1]);
    expect(numbers(mx.conv1d(x, w))).toEqual([21, 32, 43]);
    expect(numbers(mx.conv1d(x, w, 2, 1))).toEqual([10, 32, 4]);
    expect(numbers(mx.conv1d(x, w, 1, 0, 2))).toEqual([31, 42]);
    const two = f32([1, 10, 2, 20], [1, 2, 2]);
    expect(numbers(mx.conv1d(two, f32([1, 1, 2, 2], [2, 2, 1]), 1, 0, 1, 2))).toEqual([3, 60]);
  });

  mxTest("convTranspose1d spreads each element", () => {
    expect(numbers(mx.convTranspose1d(f32([1, 2], [1, 2, 1]), f32([1, 10], [1, 2, 1]), 2))).toEqual([1, 10, 2, 20]);
  });

  mxTest("conv2d slides over height and width", () => {
    const x = mx.reshape(mx.arange(0, 9, 1, "float32"), [1, 3, 3, 1]);
    const w = f32([1, 0, 0, 1], [1, 2, 2, 1]);
    expect(numbers(mx.conv2d(x, w))).toEqual([4, 6, 10, 12]);
    expect(mx.shape(mx.conv2d(x, w, [2, 1], [1, 0]))).toEqual([1, 2, 2, 1]);
  });
});

describe("norms", () => {
  mxTest("rmsNorm divides by the root of the mean square", () => {
    const rms = Math.sqrt((9 + 16) / 2 + 1e-6);
    expectClose(mx.rmsNorm(f32([3, 4], [1, 2]), f32([1, 2]), 1e-6), [3 / rms, 8 / rms]);
    expectClose(mx.rmsNorm(f32([3, 4], [1, 2]), undefined, 1e-6), [3 / rms, 4 / rms]);
    expect(() => mx.rmsNorm(f32([3, 4], [1, 2]), f32([1, 2, 3]), 1e-6)).toThrow(/^rms_norm: /);
  });

  mxTest("layerNorm removes the mean as well", () => {
    expectClose(mx.layerNorm(f32([1, 3], [1, 2]), f32([2, 2]), f32([1, 0]), 0), [-1, 2]);
    expectClose(mx.layerNorm(f32([1, 3], [1, 2]), undefined, undefined, 0), [-1, 1]);
  });
});

describe("rope", () => {
  const base = 10000;

  mxTest("rotates pairs of features by their position: halves, or neighbours in the traditional form", () => {
    const angles = [1, 1 / 100]; // base^(-2i / 4)
    const [c0, s0, c1, s1] = angles.flatMap(a => [Math.cos(a), Math.sin(a)]) as [number, number, number, number];
    const x = f32([1, 2, 3, 4], [1, 1, 1, 4]);
    expectClose(mx.rope(x, 4, { base }, 1), [c0 - 3 * s0, 2 * c1 - 4 * s1, 3 * c0 + s0, 4 * c1 + 2 * s1]);
    expectClose(mx.rope(x, 4, { base, traditional: true }, 1), [c0 - 2 * s0, 2 * c0 + s0, 3 * c1 - 4 * s1, 4 * c1 + 3 * s1]);
    expectClose(mx.rope(x, 2, { base }, 1), [c0 - 2 * s0, 2 * c0 + s0, 3, 4]);
    expectClose(mx.rope(x, 4, { base }, 0), [1, 2, 3, 4]);
  });

  mxTest("scale multiplies the position, and freqs give the wavelengths", () => {
    const x = mx.randomNormal([1, 2, 3, 8], "float32", 1);
    expectClose(
      mx.rope(x, 8, { base, scale: 0.5 }, 4),
      numbers(
        mx.concatenate(
          [0, 1, 2].map(i => mx.rope(mx.sliceAxis(x, 2, i, i + 1), 8, { base, scale: 0.5 }, 4 + i)),
          2,
        ),
      ),
    );
    const freqs = f32([0, 1, 2, 3].map(i => base ** (i / 4)));
    expectClose(mx.rope(x, 8, { freqs }, 5), numbers(mx.rope(x, 8, { base }, 5)), 1e-4);
  });

  for (const traditional of [false, true]) {
    for (const length of [1, 3]) {
      mxTest(`an offset per row gives each row what it gets alone (length ${length}, ${traditional ? "traditional" : "halves"})`, () => {
        const x = mx.randomNormal([3, 2, length, 8], "float32", 2);
        const offsets = [0, 5, 131];
        const together = mx.rope(x, 8, { base, traditional }, i32(offsets));
        offsets.forEach((offset, i) => expect(numbers(row(together, i))).toEqual(numbers(mx.rope(row(x, i), 8, { base, traditional }, offset))));
      });
    }
  }
});

// softmax(scale q kᵀ + bias) v for one head; `sink` is one more logit that takes weight and gives nothing.
function attend(q: number[][], k: number[][], v: number[][], scale: number, bias: (i: number, j: number) => number, sink?: number): number[] {
  return q.flatMap((query, i) => {
    const logits = k.map((key, j) => scale * key.reduce((sum, x, d) => sum + x * query[d]!, 0) + bias(i, j));
    const weights = logits.map(Math.exp);
    const total = weights.reduce((a, b) => a + b, sink === undefined ? 0 : Math.exp(sink));
    return v[0]!.map((_, d) => weights.reduce((sum, w, j) => sum + (w / total) * v[j]![d]!, 0));
  });
}

describe("attention", () => {
  const scale = 0.5;
  const rows = (t: mx.Tensor): number[][] => {
    const width = mx.shape(t).at(-1)!;
    const all = numbers(t);
    return Array.from({ length: all.length / width }, (_, i) => all.slice(i * width, (i + 1) * width));
  };
  const make = (L: number, S: number) => ({
    q: mx.randomNormal([1, 1, L, 4], "float32", 1),
    k: mx.randomNormal([1, 1, S, 4], "float32", 2),
    v: mx.randomNormal([1, 1, S, 4], "float32", 3),
  });
  const never = Number.NEGATIVE_INFINITY;

  mxTest("without a mask every query sees every key", () => {
    const { q, k, v } = make(2, 5);
    expectClose(
      mx.scaledDotProductAttention(q, k, v, scale, undefined),
      attend(rows(q), rows(k), rows(v), scale, () => 0),
    );
  });

  mxTest("causal aligns the last query with the last key", () => {
    const { q, k, v } = make(3, 5);
    const expected = attend(rows(q), rows(k), rows(v), scale, (i, j) => (j <= i + 2 ? 0 : never));
    expectClose(mx.scaledDotProductAttention(q, k, v, scale, "causal"), expected);
  });

  mxTest("a boolean mask chooses, a float mask is added", () => {
    const { q, k, v } = make(2, 3);
    const allowed = mx.astype(f32([1, 0, 1, 1, 1, 0], [2, 3]), "bool");
    const chosen = attend(rows(q), rows(k), rows(v), scale, (i, j) => ([1, 0, 1, 1, 1, 0][3 * i + j] === 1 ? 0 : never));
    expectClose(mx.scaledDotProductAttention(q, k, v, scale, allowed), chosen);
    const bias = [0.5, -1, 0, 2, 0, -0.25];
    const added = attend(rows(q), rows(k), rows(v), scale, (i, j) => bias[3 * i + j]!);
    expectClose(mx.scaledDotProductAttention(q, k, v, scale, f32(bias, [2, 3])), added);
  });

  mxTest("a sink takes its share of the weight", () => {
    const { q, k, v } = make(2, 3);
    const expected = attend(rows(q), rows(k), rows(v), scale, () => 0, 0.75);
    expectClose(mx.scaledDotProductAttention(q, k, v, scale, undefined, f32([0.75])), expected);
  });

  mxTest("several query heads share a key head", () => {
    const q = mx.randomNormal([2, 4, 3, 8], "float32", 1);
    const k = mx.randomNormal([2, 2, 5, 8], "float32", 2);
    const v = mx.randomNormal([2, 2, 5, 8], "float32", 3);
    const shared = mx.scaledDotProductAttention(q, k, v, scale, "causal");
    const repeated = mx.scaledDotProductAttention(q, mx.repeat(k, 2, 1), mx.repeat(v, 2, 1), scale, "causal");
    expectClose(shared, numbers(repeated));
  });

  mxTest("masked tail positions change nothing at all", () => {
    const { q, k, v } = make(1, 5);
    const alone = mx.scaledDotProductAttention(q, k, v, scale, undefined);
    const wide = (t: mx.Tensor, value: number) => mx.pad(t, 2, 0, 11, value);
    const seen = mx.reshape(mx.less(mx.arange(0, 16, 1, "int32"), mx.scalar(5, "int32")), [1, 1, 1, 16]);
    expect(numbers(mx.scaledDotProductAttention(q, wide(k, 3), wide(v, -7), scale, seen))).toEqual(numbers(alone));
  });

  mxTest("shapes that do not fit are an error", () => {
    const { q, k, v } = make(2, 3);
    expect(() => mx.scaledDotProductAttention(q, mx.sliceAxis(k, 3, 0, 2), v, scale, undefined)).toThrow(/^attention: /);
  });
});

describe("rows that do not lie in one piece", () => {
  const values = Array.from({ length: 2 * 3 * 4 * 8 }, (_, i) => Math.sin(i * 1.7));
  const plain = () => f32(values, [2, 3, 4, 8]);
  const turned = () => mx.transpose(mx.contiguous(mx.transpose(plain(), [3, 1, 0, 2])), [2, 1, 3, 0]); // the same numbers, the last axis apart
  const cut = () => mx.sliceAxis(mx.concatenate([mx.zeros([2, 3, 4, 5], "float32"), plain()], 3), 3, 5, 13);
  const table = (length: number, shift: number) => f32(Array.from({ length }, (_, i) => Math.cos(i + shift)), [2, 1, 4, 8]); // prettier-ignore
  const other = () => i32([4, 5, 6, 7, 0, 1, 2, 3]);

  mxTest("norms, turns and gates give the bits that they give in one piece", () => {
    const layers: ((x: mx.Tensor) => mx.Tensor)[] = [
      x => mx.rmsNorm(x, undefined, 1e-5),
      x => mx.rmsNorm(x, f32([1, 2, 3, 4, 5, 6, 7, 8]), 1e-5),
      x => mx.turn(x, table(64, 0), table(64, 1), other()),
      x => mx.swiglu(x, plain()),
      x => mx.swiglu(plain(), x),
    ];
    for (const layer of layers) for (const other of [turned, cut]) expect(numbers(layer(other()))).toEqual(numbers(layer(plain())));
  });

  mxTest("turning is x · cos + x[other] · sin, by the row of the table that belongs to row and position", () => {
    const [cos, sin] = [table(64, 0), table(64, 1)];
    const written = mx.add(mx.multiply(plain(), cos), mx.multiply(mx.take(plain(), other(), -1), sin));
    expectClose(mx.turn(plain(), cos, sin, other()), numbers(written), 1e-6);
    const [first, one] = [
      (t: mx.Tensor) => mx.sliceAxis(t, 0, 0, 1),
      mx.turn(plain(), mx.sliceAxis(cos, 0, 0, 1), mx.sliceAxis(sin, 0, 0, 1), other()),
    ];
    expect(numbers(first(one))).toEqual(numbers(first(mx.turn(plain(), cos, sin, other()))));
    expect(numbers(mx.turn(first(plain()), first(cos), first(sin), other()))).toEqual(numbers(first(mx.turn(plain(), cos, sin, other()))));
    expect(() => mx.turn(plain(), first(cos), sin, other())).toThrow(/^turn: /);
    expect(() => mx.turn(plain(), cos, sin, i32([0, 1]))).toThrow(/^turn: /);
    expect(() => mx.swiglu(plain(), first(plain()))).toThrow(/^swiglu: /);
    expect(() => mx.rmsNorm(plain(), f32([1, 2]), 1e-5)).toThrow(/^rms_norm: /);
  });
});

describe("activations", () => {
  const inputs = [-3, -1, -0.1, 0, 0.5, 2, 4];
  const up = [1, 2, 3, 4, 5, 6, 7];
  const silu = (x: number) => x / (1 + Math.exp(-x));
  const geluTanh = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  const gelus = [-0.0040496, -0.1586553, -0.0460172, 0, 0.3457312, 1.9544997, 3.9998733];

  mxTest("silu and swiglu", () => {
    expectClose(mx.silu(f32(inputs)), inputs.map(silu));
    expectClose(
      mx.swiglu(f32(inputs), f32(up)),
      inputs.map((x, i) => silu(x) * up[i]!),
    );
  });

  mxTest("gelu, exact and by tanh, plain and gated", () => {
    expectClose(mx.gelu(f32(inputs)), gelus, 1e-6);
    expectClose(mx.geluTanh(f32(inputs)), inputs.map(geluTanh), 1e-6);
    expectClose(
      mx.geglu(f32(inputs), f32(up)),
      gelus.map((x, i) => x * up[i]!),
      1e-5,
    );
    expectClose(
      mx.gegluTanh(f32(inputs), f32(up)),
      inputs.map((x, i) => geluTanh(x) * up[i]!),
      1e-5,
    );
  });

  mxTest("relu, softplus and softcap", () => {
    expectClose(
      mx.relu(f32(inputs)),
      inputs.map(x => Math.max(x, 0)),
    );
    expectClose(
      mx.softplus(f32(inputs)),
      inputs.map(x => Math.log1p(Math.exp(x))),
    );
    expectClose(
      mx.softcap(f32(inputs), 2),
      inputs.map(x => 2 * Math.tanh(x / 2)),
    );
  });

  mxTest("activations keep the type of their input", () => {
    const x = mx.astype(f32(inputs), "bfloat16");
    for (const f of [mx.silu, mx.gelu, mx.geluTanh, mx.relu, mx.softplus, (t: mx.Tensor) => mx.softcap(t, 30)])
      expect(mx.dtype(f(x))).toBe("bfloat16");
    expect(mx.dtype(mx.swiglu(x, x))).toBe("bfloat16");
  });

  mxTest("shapes that do not fit are an error that names the activation", () => {
    expect(() => mx.swiglu(f32([1, 2]), f32([1, 2, 3]))).toThrow(/^swiglu: /);
  });
});
