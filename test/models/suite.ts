// What every model family must hold, over one recorded checkpoint of test/golden:
// its log-probabilities are the reference's, and every way to read the same ids gives the same bits on the CPU.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { carriesStates } from "../../src/kv/recurrent.ts";
import { KvRows } from "../../src/kv/rows.ts";
import type { Batch, LayerKv, Model } from "../../src/models/model.ts";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { openForTests } from "../helpers/mx.ts";
import { SimpleKv } from "../helpers/simple-kv.ts";

export const GOLDEN = join(import.meta.dir, "../golden");
const TOLERANCE = 1e-3;
const PREFIX = 19; // ids that are taken from another row's kv
const BEYOND = 6; // ids read behind them, where no layer sums up what it has read

type Ids = readonly number[];

interface Rows {
  readonly layers: readonly LayerKv[];
  addRow(): unknown;
  begin(length: number): Batch;
  release(): void;
}

/** A model with the ids of its reference and what it makes of them in one pass. */
interface Subject {
  readonly model: Model;
  readonly ids: Ids;
  readonly whole: Float32Array; // log-probabilities [ids, vocab]
}

/** One line of the table that the suite prints. */
export interface Measured {
  readonly name: string; // family/variant
  readonly layout: string;
  readonly stored: string;
  readonly parameters: number;
  readonly worst: number; // difference of a log-probability
}

const equalities: Readonly<Record<string, (subject: Subject) => void>> = {
  "attention over kv without padding gives the same bits": ({ model, ids, whole }) => {
    expectSameBits(readAlone(model, [ids], new SimpleKv(model.layout)), whole);
  },

  "ids read in chunks, or one by one, give the bits of a whole pass": ({ model, ids, whole }) => {
    for (const chunks of [[7, 1, 9, 2, ids.length - 19], [16, 16, 16, ids.length - 48], ids.map(() => 1)])
      expectSameBits(readAlone(model, inChunks(ids, chunks)), whole);
  },

  "rows of a mixed batch give the bits that they give alone": ({ model, ids }) => {
    const prompts = [ids.slice(0, 21), ids.slice(3, 37), ids.slice(0, 5), ids.slice(11, 40)];
    const next = (row: number) => ids.slice(row, row + 8); // decoded after each prompt
    const [group, ...others] = prompts.map(prompt => {
      const kv = rows(model);
      read(model, kv, [prompt]);
      return kv;
    }) as [KvRows, ...KvRows[]];
    mx.scope(() => others.forEach(kv => group.join(kv)));
    const steps = Array.from({ length: 8 }, (_, step) =>
      read(
        model,
        group,
        prompts.map((_, row) => [next(row)[step]!]),
      ),
    );
    group.release();
    prompts.forEach((prompt, row) => {
      const alone = readAlone(model, [prompt, ...next(row).map(id => [id])]);
      expectSameBits(concatenated(steps.map(step => step[row]!)), alone.subarray(prompt.length * model.vocabSize));
    });
  },

  "rows of one length read together give the bits that they give alone": ({ model, ids, whole }) => {
    const texts = [ids, ids.toReversed(), ids.map(id => (id * 7 + 1) % model.vocabSize)];
    const kv = rows(model, texts.length);
    const together = read(model, kv, texts);
    kv.release();
    expectSameBits(together[0]!, whole);
    texts.forEach((text, row) => expectSameBits(together[row]!, readAlone(model, [text])));
  },

  "a row resumed from a copied prefix gives the bits of a whole pass": ({ model, ids, whole }) => {
    const [first, second] = [rows(model), rows(model)];
    const isCut = !carriesStates(model.layout);
    read(model, first, [ids.slice(0, PREFIX + (isCut ? BEYOND : 0))]);
    mx.scope(() => copyPrefix(first, second, PREFIX));
    first.release();
    const rest = inChunks(ids.slice(PREFIX), [5, 1, 8, ids.length - PREFIX - 14]).map(chunk => read(model, second, [chunk])[0]!);
    second.release();
    expectSameBits(concatenated(rest), whole.subarray(PREFIX * model.vocabSize));
  },
};

/** Declares the tests of one folder of test/golden, with matrices as stored or turned for the CPU back end. */
export function modelSuite(name: string, layout: "stored" | "turned", report: (measured: Measured) => void): void {
  describe(`${name} ${layout}`, () => {
    let loaded: LoadedModel, subject: Subject, expected: Float32Array, handles: number;

    beforeAll(() => {
      openForTests();
      handles = mx.liveHandles();
      loaded = loadModel(join(GOLDEN, name), { turned: layout === "turned" });
      const reference = readReference(join(GOLDEN, name, "reference.safetensors"));
      expected = reference.logprobs;
      subject = { model: loaded.model, ids: reference.ids, whole: readAlone(loaded.model, [reference.ids]) };
    });

    afterAll(() => {
      loaded.weights.release();
      expect(mx.liveHandles()).toBe(handles);
    });

    test("its log-probabilities are the reference's", () => {
      const worst = worstDifference(subject.whole, expected);
      const { parameters, quantization } = loaded.info;
      report({ name, layout, stored: quantization, parameters, worst });
      expect(worst).toBeLessThan(TOLERANCE);
    });

    test("every tensor of the checkpoint is used", () => expect(loaded.info.unreadTensors).toEqual([]));

    for (const [sentence, check] of Object.entries(equalities)) test(sentence, () => check(subject));
  });
}

/** Reads ids [rows, length] behind what the rows hold; log-probabilities [length, vocab] after each id, per row. */
function read(model: Model, kv: Rows, ids: readonly Ids[]): Float32Array[] {
  const length = ids[0]!.length;
  const all = mx.scope(() => {
    const tokens = mx.fromArray(Int32Array.from(ids.flat()), [ids.length, length]);
    const logits = model.logits(model.forward(model.embed(tokens), kv.begin(length), kv.layers, tokens));
    expect([mx.shape(logits), mx.dtype(logits)]).toEqual([[ids.length, length, model.vocabSize], "float32"]);
    return mx.toFloat32(mx.subtract(logits, mx.logsumexp(logits, -1, true)));
  });
  const size = length * model.vocabSize;
  return ids.map((_, row) => all.subarray(row * size, (row + 1) * size));
}

/** One row, read in these chunks. */
function readAlone(model: Model, chunks: readonly Ids[], kv: Rows = new KvRows(model.layout)): Float32Array {
  kv.addRow();
  const parts = chunks.map(chunk => read(model, kv, [chunk])[0]!);
  kv.release();
  return concatenated(parts);
}

function rows(model: Model, count = 1): KvRows {
  const kv = new KvRows(model.layout);
  for (let row = 0; row < count; row++) kv.addRow();
  return kv;
}

function copyPrefix(from: KvRows, to: KvRows, length: number): void {
  to.begin(length);
  to.layers.forEach((layer, i) => layer.putRow(0, from.layers[i]!.copyRow(0, length), length));
  mx.evaluate(...to.layers.flatMap(layer => layer.tensors()));
}

function inChunks(ids: Ids, lengths: readonly number[]): Ids[] {
  let start = 0;
  const chunks = lengths.map(length => ids.slice(start, (start += length)));
  expect(start).toBe(ids.length);
  return chunks;
}

function readReference(path: string): { ids: number[]; logprobs: Float32Array } {
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
