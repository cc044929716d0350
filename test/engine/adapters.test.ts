// Rows of one batch go through different adapters: each gets bit for bit what it gets alone, and none another's stored prefixes.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { alone, MemoryEngine, mixture, openPrefixes } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { dice, submission } from "../helpers/sequences.ts";

const golden = join(import.meta.dir, "../golden");
let loaded: LoadedModel;

beforeAll(() => {
  openForTests();
  loaded = loadModel(join(golden, "qwen3/8-bit"), { adapters: ["some", "every", "dora"].map(name => join(golden, "adapters/qwen3", name)) });
});
afterAll(() => loaded.weights.release());

const mixed = (seed: number, count: number) => mixture(seed, count, loaded.model.vocabSize).map((submit, i) => ({ ...submit, adapter: i % 4 }));

test("batch equals alone, whatever adapters the others have", async () => {
  const { below, next } = dice(7);
  const all = mixed(1, 30);
  const engine = new MemoryEngine(loaded, { maxRows: 12, prefillChunk: 16, prefillRows: 8 });
  for (const submit of all) {
    engine.loop.receive(submit);
    for (let wait = below(4); wait > 0 && next() < 0.8; wait--) await new Promise<void>(resolve => setImmediate(resolve));
  }
  await engine.finish();
  for (const submit of all) expect(engine.answer(submit.id)).toEqual(await alone(loaded, submit));
});

test("hit equals cold, and one prompt through several adapters is stored for each", async () => {
  const before = mx.liveHandles();
  const prefixes = openPrefixes(8, 1 << 22, loaded.model.layout);
  const { below } = dice(3);
  const prompt = Uint32Array.from({ length: 40 }, () => below(loaded.model.vocabSize));
  const all = mixed(2, 24).map((submit, i) => ({ ...submit, prompt: i < 12 ? prompt : Uint32Array.from([...prompt, ...submit.prompt]) }));
  const engine = new MemoryEngine(loaded, { maxRows: 6, prefillChunk: 16, prefillRows: 8 }, prefixes);
  for (const submit of all) {
    engine.loop.receive(submit);
    for (let wait = below(6); wait > 0; wait--) await new Promise<void>(resolve => setImmediate(resolve));
  }
  await engine.finish();
  for (const submit of all) expect(engine.answer(submit.id)).toEqual(await alone(loaded, submit));
  const cached = all.map(submit => engine.rows(submit.id)[0]!.cachedTokens!);
  expect(cached.slice(0, 4)).toEqual([0, 0, 0, 0]);
  expect(cached.filter(n => n >= 39).length).toBeGreaterThan(6);
  prefixes.clear();
  expect(mx.liveHandles()).toBe(before);
});

test("a diagnosis speaks of the adapter's own prefixes", async () => {
  const prefixes = openPrefixes(4, 1 << 20, loaded.model.layout);
  const ask = async (adapter: number, prompt: number[]) => {
    const engine = new MemoryEngine(loaded, { maxRows: 1, prefillChunk: 64 }, prefixes);
    engine.loop.receive(submission(1, { prompt: Uint32Array.from(prompt), maxTokens: 1, diagnose: true, adapter }));
    await engine.finish();
    return engine.rows(1)[0]!.prefix;
  };
  await ask(1, [5, 6, 7, 8, 9]);
  expect(await ask(2, [5, 6, 7, 8, 9])).toEqual({ sharedTokens: 0 });
  expect(await ask(0, [5, 6, 7, 8, 9])).toEqual({ sharedTokens: 0 });
  expect(await ask(1, [5, 6, 7, 1, 1])).toEqual({ sharedTokens: 3, storedId: 8 });
  prefixes.clear();
});
