// Every recorded encoder and reranker: its numbers are the reference's, and a text's numbers are its own, bit for bit.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { dirname, join } from "node:path";
import { loadEncoder, type LoadedEncoder } from "../../src/embeddings/load.ts";
import type { EncodeText } from "../../src/engine/protocol.ts";
import * as mx from "../../src/mx/index.ts";
import { openForTests } from "../helpers/mx.ts";

const GOLDEN = join(import.meta.dir, "../golden/encoders");
const TOLERANCE = 1e-3;
const COSINE = 0.9999;
const VERDICT = { yes: 3, no: 7 }; // as test/golden/make/encoders.py has it

interface Reference {
  readonly texts: readonly EncodeText[];
  readonly vectors: readonly Float32Array[];
}

function readReference(path: string): Reference {
  return mx.scope(() => {
    const stored = new Map(mx.loadSafetensors(path));
    const numbers = (name: string) => mx.toInt32(stored.get(name)!);
    const [ids, segments, lengths] = [numbers("ids"), numbers("segments"), numbers("lengths")];
    const all = mx.toFloat32(stored.get("vectors")!);
    const width = all.length / lengths.length;
    for (const tensor of stored.values()) mx.release(tensor);
    let at = 0;
    const texts = [...lengths].map((length): EncodeText => {
      const range = [at, (at += length)] as const;
      return { ids: Uint32Array.from(ids.subarray(...range)), segments: Uint8Array.from(segments.subarray(...range)) };
    });
    return Object.assign(Object.create(null) as object, { texts, vectors: texts.map((_, i) => all.slice(i * width, (i + 1) * width)) });
  });
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

const table: string[] = [];
afterAll(() => table.forEach(line => console.log(line)));

for (const name of [...new Glob("*/*/vectors.safetensors").scanSync(GOLDEN)].map(dirname).sort())
  for (const turned of [true, false])
    describe(`${name} ${turned ? "turned" : "stored"}`, () => {
      let loaded: LoadedEncoder, reference: Reference, handles: number;

      beforeAll(() => {
        openForTests();
        handles = mx.liveHandles();
        const task = name.endsWith("rank") ? "rank" : "embed";
        loaded = loadEncoder(join(GOLDEN, name), { task, turned, verdict: VERDICT });
        reference = readReference(join(GOLDEN, name, "vectors.safetensors"));
      });

      afterAll(() => {
        loaded.release();
        expect(mx.liveHandles()).toBe(handles);
      });

      test("its numbers are the reference's", () => {
        const vectors = loaded.encode(reference.texts);
        const worst = Math.max(...vectors.map((vector, i) => Math.max(...vector.map((x, j) => Math.abs(x - reference.vectors[i]![j]!)))));
        const { width, parameters, head } = loaded.info;
        const least = width === 1 ? 1 : Math.min(...vectors.map((vector, i) => cosine(vector, reference.vectors[i]!)));
        table.push(
          `${name.padEnd(24)} ${turned ? "turned" : "stored"} ${String(parameters).padStart(6)} parameters, ${head}: worst difference ${worst.toExponential(1)}, least cosine ${least.toFixed(7)}`,
        );
        expect(width).toBe(reference.vectors[0]!.length);
        expect(worst).toBeLessThan(TOLERANCE);
        expect(least).toBeGreaterThan(COSINE);
      });

      test("every tensor of the checkpoint is used", () => expect(loaded.info.unreadTensors).toEqual([]));

      test("a text has the same bits alone, among others, and in another order", () => {
        const { texts } = reference;
        const whole = loaded.encode(texts);
        const reversed = loaded.encode(texts.toReversed()).toReversed();
        expect(reversed).toEqual(whole);
        texts.forEach((text, i) => expect(loaded.encode([text])[0]).toEqual(whole[i]!));
      });
    });
