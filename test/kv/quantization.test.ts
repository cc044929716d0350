import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rowsCost } from "../../src/kv/cost.ts";
import { withQuantizedKv } from "../../src/kv/quantization.ts";
import { KvRows } from "../../src/kv/rows.ts";
import type { Model } from "../../src/models/model.ts";
import * as mx from "../../src/mx/index.ts";
import { failure } from "../helpers/checkpoints.ts";
import { openForTests } from "../helpers/mx.ts";
import { openRandomModel } from "../helpers/random-model.ts";

let opened: ReturnType<typeof openRandomModel>;
beforeAll(() => {
  openForTests();
  opened = openRandomModel();
});
afterAll(() => opened.close());

/** The logits behind 300 ids that are read in chunks of these lengths; leaves `kv` filled. */
function read(model: Model, kv: KvRows, chunks: readonly number[]): Float32Array {
  let at = 0;
  let logits = new Float32Array();
  for (const length of chunks) {
    logits = mx.scope(() => {
      const numbers = Uint32Array.from({ length }, (_, i) => ((at + i) * 37) % model.vocabSize);
      const ids = mx.fromArray(numbers, [1, length]);
      const hidden = model.forward(model.embed(ids), kv.begin(length), kv.layers, ids);
      return mx.toFloat32(model.logits(mx.sliceAxis(hidden, 1, length - 1, length)));
    });
    at += length;
  }
  return logits;
}

function readWhole(model: Model, chunks: readonly number[] = [300], backend?: mx.Backend): { logits: Float32Array; bytes: number } {
  const kv = new KvRows(model.layout, backend);
  kv.addRow();
  const logits = read(model, kv, chunks);
  const { bytes } = kv;
  kv.release();
  return { logits, bytes };
}

const largest = (numbers: Float32Array) => numbers.reduce((most, n) => Math.max(most, Math.abs(n)), 0);
const distance = (a: Float32Array, b: Float32Array) => largest(a.map((n, i) => n - b[i]!)) / largest(b);

describe("packed keys and values", () => {
  test("change logits little, less with more bits, and not at all while all positions are exact", () => {
    const exact = readWhole(opened.model).logits;
    const packed = (bits: 4 | 8, minTokens: number) => readWhole(withQuantizedKv(opened.model, { bits, groupSize: 32, minTokens }, 1)).logits;
    expect(packed(4, 300)).toEqual(exact);
    const [eight, four] = [distance(packed(8, 0), exact), distance(packed(4, 0), exact)];
    expect(eight).toBeGreaterThan(0);
    expect(eight).toBeLessThan(0.05);
    expect(four).toBeGreaterThan(eight);
    expect(distance(packed(4, 200), exact)).toBeLessThan(four * 2);
  });

  test("are the same numbers however a prompt is cut, also across the last exact position", () => {
    const model = withQuantizedKv(opened.model, { bits: 4, groupSize: 32, minTokens: 100 }, 64); // exact up to 128
    const whole = readWhole(model).logits;
    for (const chunks of [
      [128, 172],
      [127, 1, 1, 171],
      [50, 100, 150],
      [299, 1],
    ])
      expect(readWhole(model, chunks).logits).toEqual(whole);
  });

  test("are the same numbers where attention looks further than the rows reach", () => {
    for (const minTokens of [0, 100, 270, 1000]) {
      const model = withQuantizedKv(opened.model, { bits: 4, groupSize: 32, minTokens }, 64);
      for (const chunks of [[300], [100, 172, 28], [64, 192, 1, 1]]) {
        expect(readWhole(model, chunks, "cuda").logits).toEqual(readWhole(model, chunks, "cpu").logits);
      }
    }
  });

  test("take what the ledger expects of them", () => {
    for (const minTokens of [0, 100, 1000]) {
      const model = withQuantizedKv(opened.model, { bits: 8, groupSize: 32, minTokens }, 64);
      expect(readWhole(model).bytes).toBe(rowsCost(model.layout, 4)([], [300]));
    }
    const [exact, packed] = [
      readWhole(opened.model).bytes,
      readWhole(withQuantizedKv(opened.model, { bits: 4, groupSize: 32, minTokens: 0 }, 64)).bytes,
    ];
    expect(packed / exact).toBeCloseTo((4 + 2) / 32, 5); // per number 4 bits, and a float32 scale and bias for 32
  });

  test("are refused where groups do not divide a head", () => {
    expect(failure(() => withQuantizedKv(opened.model, { bits: 8, groupSize: 64, minTokens: 0 }, 64))).toBe(
      "CheckpointError: --kv-cache-quantization-group-size 64 does not divide the 32 numbers that a head of layer 0 keeps of a token",
    );
  });
});
