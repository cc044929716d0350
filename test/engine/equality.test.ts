// Batch equals alone: on the CPU back end a sequence gets the same ids, bit for bit the same log-probabilities,
// whatever joins and leaves beside it and however its prompt is cut into chunks.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { alone, MemoryEngine, mixture, openPrefixes } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { dice, submission } from "../helpers/sequences.ts";
import { nextTurn } from "../../src/util/next-turn.ts";

const MODELS = ["qwen3/float32", "qwen3/8-bit", "mistral/window", "lfm2_moe/plain", "mamba2/plain", "qwen3_next/4-bit"];

describe.each(MODELS)("%s", name => {
  let loaded: LoadedModel;
  beforeAll(() => {
    openForTests();
    loaded = loadModel(join(import.meta.dir, "../golden", name));
  });
  afterAll(() => loaded.weights.release());

  test("25 requests that join and leave get what each gets alone", async () => {
    const { below, next } = dice(7);
    const all = mixture(1, 25, loaded.model.vocabSize);
    const engine = new MemoryEngine(loaded, { maxRows: 12, prefillChunk: 16 });
    for (const submit of all) {
      engine.loop.receive(submit);
      for (let wait = below(4); wait > 0 && next() < 0.8; wait--) await nextTurn();
    }
    await engine.finish();
    for (const submit of all) expect(engine.answer(submit.id)).toEqual(await alone(loaded, submit));
  });

  test("prompts that are read together, padded to one length, give what each gives alone", async () => {
    const { below } = dice(21);
    const all = mixture(4, 16, loaded.model.vocabSize).map((submit, i) => ({
      ...submit,
      prompt: Uint32Array.from({ length: i < 8 ? 24 : 40 - below(5) }, () => below(loaded.model.vocabSize)),
    }));
    const engine = new MemoryEngine(loaded, { maxRows: 16, prefillChunk: 1024 });
    for (const submit of all) engine.loop.receive(submit);
    await engine.finish();
    for (const submit of all) expect(engine.answer(submit.id)).toEqual(await alone(loaded, submit));
  });

  test("prompt log-probabilities do not depend on the chunks, and their best ids are consistent", async () => {
    const prompt = Uint32Array.from({ length: 150 }, (_, i) => (i * 7) % loaded.model.vocabSize);
    const submit = submission(1, { prompt, maxTokens: 0, promptLogprobs: 3 });
    const results = [];
    for (const prefillChunk of [1024, 64, 7]) {
      const engine = new MemoryEngine(loaded, { maxRows: 2, prefillChunk });
      engine.loop.receive(submit);
      await engine.finish();
      results.push(engine.rows(1)[0]!.promptLogprobs!);
    }
    expect(results[0]!.length).toBe(150);
    expect(results[0]![0]).toBeNull();
    results[0]!.slice(1).forEach((token, i) => expect(token!.id).toBe(prompt[i + 1]!));
    expect(results[1]).toEqual(results[0]!);
    expect(results[2]).toEqual(results[0]!);
  });

  test("aborts in the middle leave the others' answers and no handle behind", async () => {
    const before = mx.liveHandles();
    const { below } = dice(9);
    const all = mixture(2, 20, loaded.model.vocabSize);
    const engine = new MemoryEngine(loaded, { maxRows: 8, prefillChunk: 16 });
    const aborted = new Set<number>();
    for (const submit of all) {
      engine.loop.receive(submit);
      await nextTurn();
      if (below(3) > 0) continue;
      const id = 1 + below(submit.id);
      if (engine.answer(id).finish === undefined) aborted.add(id);
      engine.loop.receive({ type: "abort", id });
    }
    await engine.finish();
    for (const submit of all) {
      const reference = await alone(loaded, submit);
      const answer = engine.answer(submit.id);
      if (aborted.has(submit.id) && answer.finish === "abort") expect(reference.ids.slice(0, answer.ids.length)).toEqual(answer.ids);
      else expect(answer).toEqual(reference);
    }
    expect(aborted.size).toBeGreaterThan(0);
    expect(mx.liveHandles()).toBe(before);
  });

  test("hit equals cold: with stored prefixes every request gets what it gets without, alone and in a batch", async () => {
    const before = mx.liveHandles();
    const prefixes = openPrefixes(8, 1 << 20, loaded.model.layout);
    const { below, pick } = dice(11);
    const stems = [40, 25, 33].map(length => Array.from({ length }, () => below(loaded.model.vocabSize)));
    const all = mixture(3, 30, loaded.model.vocabSize).map(submit => {
      const stem = pick(stems);
      const prompt = Uint32Array.from([...stem.slice(0, 1 + below(stem.length)), ...submit.prompt.subarray(0, below(20))]);
      return { ...submit, prompt };
    });
    const engine = new MemoryEngine(loaded, { maxRows: 5, prefillChunk: 16 }, prefixes);
    for (const submit of all) {
      engine.loop.receive(submit);
      for (let wait = below(6); wait > 0; wait--) await nextTurn();
    }
    await engine.finish();
    for (const submit of all) expect(engine.answer(submit.id)).toEqual(await alone(loaded, submit));
    const cached = all.map(submit => engine.rows(submit.id)[0]!.cachedTokens!);
    expect(cached.filter(n => n > 0).length).toBeGreaterThan(10);
    expect(prefixes.stats.tokensSaved).toBe(cached.reduce((a, b) => a + b));
    prefixes.clear();
    expect(mx.liveHandles()).toBe(before);
  });

  test("the next turn of a chat reads only what is new", async () => {
    const prefixes = openPrefixes(4, 1 << 20, loaded.model.layout);
    const { below } = dice(12);
    let history = Array.from({ length: 10 }, () => below(loaded.model.vocabSize));
    for (let turn = 1; turn <= 8; turn++) {
      const engine = new MemoryEngine(loaded, { maxRows: 2, prefillChunk: 64 }, prefixes);
      const submit = submission(turn, { prompt: Uint32Array.from(history), maxTokens: 9, logprobs: 0 });
      engine.loop.receive(submit);
      await engine.finish();
      const answer = engine.answer(turn);
      expect(answer).toEqual(await alone(loaded, submit));
      const fresh = history.length - engine.rows(turn)[0]!.cachedTokens!;
      if (turn > 1) expect(fresh).toBeLessThanOrEqual(6 + 2 + 4); // the new ids, ids of the answer that were in flight, one block's rest
      history = [...history, ...answer.ids, ...Array.from({ length: 6 }, () => below(loaded.model.vocabSize))];
    }
    prefixes.clear();
  });
});

test("after 1,000 requests with aborts, handles and memory are back where they were", async () => {
  openForTests();
  const loaded = loadModel(join(import.meta.dir, "../golden/qwen3/8-bit"));
  const { below } = dice(31);
  const prefixes = openPrefixes(8, 1 << 18);
  const held = (): number[] => {
    mx.synchronize(); // the device's thread lets go of a step's tensors after their numbers can be read
    return [mx.liveHandles(), mx.activeMemory()];
  };
  const before = held();
  const engine = new MemoryEngine(loaded, { maxRows: 32, prefillChunk: 128 }, prefixes);
  for (const submit of mixture(5, 1000, loaded.model.vocabSize)) {
    engine.loop.receive({ ...submit, maxTokens: 1 + below(6) });
    if (below(8) === 0) engine.loop.receive({ type: "abort", id: 1 + below(submit.id) });
    if (below(3) === 0) await nextTurn();
  }
  await engine.finish();
  const ended = new Set(engine.sent.flatMap(m => (m.type === "step" ? m.rows.filter(row => row.finish).map(row => row.id) : [])));
  expect(ended.size).toBe(1000);
  expect(prefixes.stats.blocks).toBeGreaterThan(0);
  prefixes.clear();
  expect(held()).toEqual(before);
  loaded.weights.release();
});
