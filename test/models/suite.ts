// What every model family must hold, over one recorded checkpoint of test/golden:
// its log-probabilities are the reference's, and four ways to read the same ids give the same bits on the CPU.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { KvRows } from "../../src/kv/rows.ts";
import type { Batch, LayerKv } from "../../src/models/model.ts";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { openForTests } from "../helpers/mx.ts";
import { SimpleKv } from "../helpers/simple-kv.ts";

export const GOLDEN = join(import.meta.dir, "../golden");
const TOLERANCE = 1e-3;
const PREFIX = 19; // ids that are taken from another row's kv

interface Rows {
  readonly layers: readonly LayerKv[];
  begin(length: number): Batch;
}

interface Reference {
  readonly ids: readonly number[];
  readonly logprobs: Float32Array; // [ids, vocab]
}

/** One line of the table that the suite prints. */
export interface Measured {
  readonly name: string; // family/variant
  readonly stored: string;
  readonly parameters: number;
  readonly worst: number; // difference of a log-probability
}

/** Declares the tests of one folder of test/golden. */
export function modelSuite(name: string, report: (measured: Measured) => void): void {
  describe(name, () => {
    let loaded: LoadedModel, reference: Reference, whole: Float32Array, handles: number;

    beforeAll(() => {
      openForTests();
      handles = mx.liveHandles();
      loaded = loadModel(join(GOLDEN, name));
      reference = readReference(join(GOLDEN, name, "reference.safetensors"));
      whole = withKv(rows(), kv => read(kv, reference.ids));
    });

    afterAll(() => {
      loaded.weights.release();
      expect(mx.liveHandles()).toBe(handles);
    });

    const rows = () => new KvRows(loaded.model.layout);
    const read = (kv: Rows, ids: readonly number[]) => readRows(loaded, kv, [ids])[0]!;
    const inChunks = (kv: Rows, ids: readonly number[], chunks: readonly number[]) => {
      const parts: Float32Array[] = [];
      let start = 0;
      for (const chunk of [...chunks, ids.length]) {
        parts.push(read(kv, ids.slice(start, start + chunk)));
        start += chunk;
        if (start >= ids.length) break;
      }
      return concatenated(parts);
    };

    test("its log-probabilities are the reference's", () => {
      const worst = worstDifference(whole, reference.logprobs);
      const { parameters, quantization } = loaded.info;
      report({ name, stored: quantization, parameters, worst });
      expect(worst).toBeLessThan(TOLERANCE);
    });

    test("every tensor of the checkpoint is used", () => {
      expect(loaded.info.unreadTensors).toEqual([]);
    });

    test("attention over its own kv without padding gives the same bits", () => {
      const plain = new SimpleKv(loaded.model.layout);
      plain.addRow();
      expectSameBits(
        withKv(plain, kv => read(kv, reference.ids)),
        whole,
      );
    });

    test("ids read in chunks, or one by one, give the bits of a whole pass", () => {
      const { ids } = reference;
      for (const chunks of [[7, 1, 9, 2], [16, 16, 16, 16], ids.map(() => 1)]) {
        expectSameBits(
          withKv(rows(), kv => inChunks(kv, ids, chunks)),
          whole,
        );
      }
    });

    test("rows of a mixed batch give the bits that they give alone", () => {
      const { ids } = reference;
      const prompts = [ids.slice(0, 21), ids.slice(3, 37), ids.slice(0, 5), ids.slice(11, 40)];
      const kvs = prompts.map(rows);
      const group = kvs[0]!;
      const alone = prompts.map((prompt, i) => withKv(rows(), kv => (read(kv, prompt), continued(kv, ids, i))));
      prompts.forEach((prompt, i) => (kvs[i]!.addRow(), read(kvs[i]!, prompt)));
      mx.scope(() => kvs.slice(1).forEach(kv => group.join(kv)));
      const steps = ids.slice(0, 8).map((_, step) =>
        readRows(
          loaded,
          group,
          prompts.map((_, i) => [ids[step + i]!]),
        ),
      );
      prompts.forEach((_, i) => expectSameBits(concatenated(steps.map(step => step[i]!)), alone[i]!));
      group.release();
    });

    const continued = (kv: Rows, ids: readonly number[], row: number) =>
      concatenated(Array.from({ length: 8 }, (_, step) => read(kv, [ids[step + row]!])));

    test("rows of one length read together give the bits that they give alone", () => {
      const { ids } = reference;
      const texts = [ids, ids.toReversed(), ids.map(id => (id * 7 + 1) % loaded.model.vocabSize)];
      const kv = rows();
      texts.forEach(() => kv.addRow());
      const together = readRows(loaded, kv, texts);
      kv.release();
      expectSameBits(together[0]!, whole);
      texts.slice(1).forEach((text, i) =>
        expectSameBits(
          together[i + 1]!,
          withKv(rows(), one => read(one, text)),
        ),
      );
    });

    test("a row resumed from a copied prefix gives the bits of a whole pass", () => {
      const { ids } = reference;
      const [first, second] = [rows(), rows()];
      first.addRow();
      read(first, ids.slice(0, PREFIX + 6)); // the copied prefix ends inside what was read
      mx.scope(() => copyPrefix(first, second, PREFIX));
      first.release();
      const rest = inChunks(second, ids.slice(PREFIX), [5, 1, 8]);
      second.release();
      expectSameBits(rest, whole.subarray(PREFIX * loaded.model.vocabSize));
    });
  });
}

/** Log-probabilities after each of the ids that the rows bring, per row. */
function readRows({ model }: LoadedModel, kv: Rows, ids: readonly (readonly number[])[]): Float32Array[] {
  const length = ids[0]!.length;
  const all = mx.scope(() => {
    const hidden = model.embed(mx.fromArray(Int32Array.from(ids.flat()), [ids.length, length]));
    const logits = model.logits(model.forward(hidden, kv.begin(length), kv.layers));
    expect([mx.shape(logits), mx.dtype(logits)]).toEqual([[ids.length, length, model.vocabSize], "float32"]);
    return mx.toFloat32(mx.subtract(logits, mx.logsumexp(logits, -1, true)));
  });
  const size = length * model.vocabSize;
  return ids.map((_, i) => all.subarray(i * size, (i + 1) * size));
}

function copyPrefix(from: KvRows, to: KvRows, length: number): void {
  to.addRow();
  to.begin(length);
  to.layers.forEach((layer, i) => layer.putRow(0, from.layers[i]!.copyRow(0, length), length));
  mx.evaluate(...to.layers.flatMap(layer => layer.tensors()));
}

function withKv<Kv extends KvRows | SimpleKv, T>(kv: Kv, body: (kv: Kv) => T): T {
  if (kv instanceof KvRows) kv.addRow();
  try {
    return body(kv);
  } finally {
    kv.release();
  }
}

function readReference(path: string): Reference {
  const tensors = mx.loadSafetensors(path);
  const reference = { ids: [...mx.toInt32(tensors.get("ids")!)], logprobs: mx.toFloat32(tensors.get("logprobs")!) };
  tensors.forEach(mx.release);
  return reference;
}

function worstDifference(found: Float32Array, expected: Float32Array): number {
  expect(found.length).toBe(expected.length);
  return found.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
}

function expectSameBits(found: Float32Array, expected: Float32Array): void {
  expect(worstDifference(found, expected)).toBe(0);
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap(part => [...part]));
}
