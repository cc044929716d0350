// The two ways to scan agree with the definition written out number by number, and with each other where tokens repeat.
import { beforeAll, describe, expect, test } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { blockwise, inverse, stepwise, type ScanInputs } from "../../src/nn/scan.ts";
import { openForTests } from "../helpers/mx.ts";
import { dice } from "../helpers/sequences.ts";

const [ROWS, HEADS, KEYS, VALUES] = [2, 3, 4, 5];

beforeAll(openForTests);

interface Numbers {
  readonly queries: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly logDecay: Float32Array;
  readonly rate: Float32Array;
  readonly state: Float32Array;
}

function numbers(seed: number, length: number): Numbers {
  const { next } = dice(seed);
  const some = (count: number, make = () => next() * 2 - 1) => Float32Array.from({ length: count }, make);
  const tokens = ROWS * length * HEADS;
  return {
    queries: some(tokens * KEYS),
    keys: some(tokens * KEYS, () => (next() * 2 - 1) / KEYS ** 0.5),
    values: some(tokens * VALUES),
    logDecay: some(tokens, () => -next()),
    rate: some(tokens, next),
    state: some(ROWS * HEADS * VALUES * KEYS),
  };
}

/** y and the last state of one head of one row. */
function byHand(n: Numbers, length: number, row: number, head: number, isDelta: boolean): { output: number[][]; state: number[][] } {
  const at = (t: number) => (row * length + t) * HEADS + head;
  const state = Array.from({ length: VALUES }, (_, v) => [...n.state.subarray(((row * HEADS + head) * VALUES + v) * KEYS).subarray(0, KEYS)]);
  const output = Array.from({ length }, (_, t) => {
    const [q, k] = [n.queries, n.keys].map(x => [...x.subarray(at(t) * KEYS, (at(t) + 1) * KEYS)]) as [number[], number[]];
    return state.map((held, v) => {
      for (let i = 0; i < KEYS; i++) held[i]! *= Math.exp(n.logDecay[at(t)]!);
      const value = n.values[at(t) * VALUES + v]!;
      const taken = isDelta ? n.rate[at(t)]! * (value - held.reduce((sum, s, i) => sum + s * k[i]!, 0)) : value;
      for (let i = 0; i < KEYS; i++) held[i]! += taken * k[i]!;
      return held.reduce((sum, s, i) => sum + s * q[i]!, 0);
    });
  });
  return { output, state };
}

function inputs(n: Numbers, length: number, isDelta: boolean): { inputs: ScanInputs; state: mx.Tensor } {
  const shaped = (x: Float32Array, ...widths: number[]) => mx.fromArray(x, [ROWS, length, HEADS, ...widths]);
  const rate = isDelta ? { rate: shaped(n.rate) } : {};
  const [queries, keys, values] = [shaped(n.queries, KEYS), shaped(n.keys, KEYS), shaped(n.values, VALUES)];
  return {
    inputs: { queries, keys, values, logDecay: shaped(n.logDecay), ...rate },
    state: mx.fromArray(n.state, [ROWS, HEADS, VALUES, KEYS]),
  };
}

describe.each([
  ["stepwise", stepwise],
  ["blockwise", blockwise],
] as const)("%s", (_, run) => {
  test.each([
    [1, false],
    [1, true],
    [7, false],
    [7, true],
    [64, true],
    [150, false],
    [150, true],
  ])("%d tokens, delta rule %p, are what the definition says", (length, isDelta) => {
    const n = numbers(length, length);
    const [output, state] = mx.scope(() => {
      const made = inputs(n, length, isDelta);
      const scanned = run(made.inputs, made.state);
      return [mx.toFloat32(scanned.output), mx.toFloat32(scanned.state)];
    }) as [Float32Array, Float32Array];
    for (let row = 0; row < ROWS; row++)
      for (let head = 0; head < HEADS; head++) {
        const expected = byHand(n, length, row, head, isDelta);
        expected.output.flat().forEach((value, i) => {
          const [t, v] = [Math.floor(i / VALUES), i % VALUES];
          expect(output[((row * length + t) * HEADS + head) * VALUES + v]!).toBeCloseTo(value, 4);
        });
        expected.state.flat().forEach((value, i) => expect(state[(row * HEADS + head) * VALUES * KEYS + i]!).toBeCloseTo(value, 4));
      }
  });
});

test("blocks stay accurate where every token is the same and nothing decays", () => {
  const length = 128;
  const n = numbers(1, length);
  n.logDecay.fill(0);
  n.rate.fill(1);
  for (const [x, width] of [
    [n.keys, KEYS],
    [n.values, VALUES],
  ] as const)
    x.forEach((_, i) => (x[i] = i % width === 0 ? 1 : 0));
  const [one, other] = mx.scope(() => {
    const made = inputs(n, length, true);
    return [stepwise, blockwise].map(run => mx.toFloat32(run(made.inputs, made.state).output));
  }) as [Float32Array, Float32Array];
  one.forEach((value, i) => expect(other[i]!).toBeCloseTo(value, 5));
});

test("a triangular matrix times its inverse is one, for every size", () => {
  for (const count of [1, 2, 3, 7, 16, 64]) {
    const product = mx.scope(() => {
      const a = mx.tril(mx.randomNormal([2, count, count], "float32", count), -1);
      const one = mx.subtract(mx.tri(count, count, 0, "float32"), mx.tri(count, count, -1, "float32"));
      const scaled = mx.add(mx.multiply(a, mx.scalar(0.2)), one);
      return mx.toFloat32(mx.subtract(mx.matmul(inverse(mx.multiply(a, mx.scalar(0.2))), scaled), one));
    });
    for (const value of product) expect(Math.abs(value)).toBeLessThan(1e-5);
  }
});
