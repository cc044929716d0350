// What is read again and what is not: counted in ids.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import { alone, MemoryEngine, openPrefixes } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { dice, submission } from "../helpers/sequences.ts";
import { nextTurn } from "../../src/util/next-turn.ts";

let loaded: LoadedModel;
beforeAll(() => {
  openForTests();
  loaded = loadModel(join(import.meta.dir, "../golden/qwen3/float32"));
});
afterAll(() => loaded.weights.release());

const idsOf = (length: number, { below }: ReturnType<typeof dice>) => Array.from({ length }, () => below(loaded.model.vocabSize));

describe("the store", () => {
  test("in a chat of 20 turns each turn reads only what is new, whatever short requests pass between", async () => {
    const random = dice(41);
    const prefixes = openPrefixes(8, 1 << 19);
    let history = idsOf(30, random);
    let known = 0; // ids of the chat that the model has read
    for (let turn = 1; turn <= 20; turn++) {
      const engine = new MemoryEngine(loaded, { maxRows: 4, prefillChunk: 16 }, prefixes);
      engine.loop.receive(submission(1, { prompt: Uint32Array.from(history), maxTokens: 7 }));
      for (let side = 2; side < 5; side++) engine.loop.receive(submission(side, { prompt: Uint32Array.from(idsOf(20, random)), maxTokens: 2 }));
      await engine.finish();
      prefixes.check();
      expect(engine.rows(1)[0]!.cachedTokens).toBe(known);
      known = history.length + 6; // the last id's keys were never computed
      history = [...history, ...engine.answer(1).ids, ...idsOf(5, random)];
    }
    expect(prefixes.stats.evictions).toBeGreaterThan(0);
    prefixes.clear();
  });

  test.each([1, 16, 1024])("equal prompts that come together are read once, with chunks of %p", async prefillChunk => {
    const random = dice(42);
    const prefixes = openPrefixes(8);
    const prompt = Uint32Array.from(idsOf(100, random));
    const engine = new MemoryEngine(loaded, { maxRows: 8, prefillChunk }, prefixes);
    for (let id = 1; id <= 6; id++) engine.loop.receive(submission(id, { prompt, maxTokens: 5, logprobs: 0 }));
    await engine.finish();
    const cold = await alone(loaded, submission(1, { prompt, maxTokens: 5, logprobs: 0 }));
    const cached = [1, 2, 3, 4, 5, 6].map(id => engine.rows(id)[0]!.cachedTokens!).sort((a, b) => a - b);
    expect(cached[0]).toBe(0);
    for (const tokens of cached.slice(1)) expect(tokens).toBeGreaterThanOrEqual(96);
    for (let id = 1; id <= 6; id++) expect(engine.answer(id)).toEqual(cold);
    prefixes.clear();
  });

  test("what is sooner read again than brought back is neither stored nor waited for", async () => {
    const random = dice(46);
    const prefixes = openPrefixes(8, 1 << 20, [], 32);
    const [short, long] = [idsOf(20, random), idsOf(40, random)];
    for (const [prompt, cached] of [
      [short, 0],
      [long, 39],
    ] as const) {
      for (const again of [false, true]) {
        const engine = new MemoryEngine(loaded, { maxRows: 8, prefillChunk: 1024 }, prefixes);
        for (let id = 1; id <= 3; id++) engine.loop.receive(submission(id, { prompt: Uint32Array.from(prompt), maxTokens: 3, logprobs: 0 }));
        await engine.finish();
        const cold = await alone(loaded, submission(1, { prompt: Uint32Array.from(prompt), maxTokens: 3, logprobs: 0 }));
        const tokens = [1, 2, 3].map(id => engine.rows(id)[0]!.cachedTokens!);
        expect(tokens).toEqual([again ? cached : 0, cached, cached]);
        for (let id = 1; id <= 3; id++) expect(engine.answer(id)).toEqual(cold);
      }
    }
    prefixes.clear();
  });

  test("a long answer is stored while it is written", async () => {
    const prefixes = openPrefixes(8);
    const prompt = Uint32Array.from(idsOf(20, dice(44)));
    const long = submission(1, { prompt, maxTokens: 400, logprobs: 0 });
    const engine = new MemoryEngine(loaded, { maxRows: 2, prefillChunk: 64 }, prefixes);
    engine.loop.receive(long);
    while (engine.answer(1).ids.length < 260) await nextTurn();
    const begun = Uint32Array.from([...prompt, ...engine.answer(1).ids.slice(0, 240)]);
    const second = submission(2, { prompt: begun, maxTokens: 5, logprobs: 0 });
    engine.loop.receive(second);
    while (engine.answer(2).finish === undefined) await nextTurn();
    expect(engine.answer(1).finish).toBeUndefined();
    expect(engine.rows(2)[0]!.cachedTokens).toBeGreaterThanOrEqual(240);
    await engine.finish();
    for (const submit of [long, second]) expect(engine.answer(submit.id)).toEqual(await alone(loaded, submit));
    prefixes.check();
    prefixes.clear();
  });

  test("a prompt that comes while an equal one is read goes on from what is read already", async () => {
    const prefixes = openPrefixes(8);
    const prompt = Uint32Array.from(idsOf(120, dice(43)));
    const engine = new MemoryEngine(loaded, { maxRows: 2, prefillChunk: 16 }, prefixes);
    engine.loop.receive(submission(1, { prompt, maxTokens: 3 }));
    for (let wait = 0; wait < 4; wait++) await nextTurn();
    expect(engine.answer(1).ids).toEqual([]);
    engine.loop.receive(submission(2, { prompt, maxTokens: 3 }));
    await engine.finish();
    expect(engine.rows(2)[0]!.cachedTokens).toBeGreaterThanOrEqual(112);
    expect(engine.answer(2)).toEqual(engine.answer(1));
    prefixes.clear();
  });

  test("who asks is told where the prompt left what was stored before it came", async () => {
    const prefixes = openPrefixes(8);
    const prompt = Uint32Array.from(idsOf(40, dice(45)));
    const other = prompt.with(29, (prompt[29]! + 1) % loaded.model.vocabSize);
    const engine = new MemoryEngine(loaded, { maxRows: 2, prefillChunk: 64 }, prefixes);
    engine.loop.receive(submission(1, { prompt, maxTokens: 1, diagnose: true }));
    while (engine.rows(1).length === 0) await nextTurn();
    engine.loop.receive(submission(2, { prompt: other, maxTokens: 1, diagnose: true }));
    engine.loop.receive(submission(3, { prompt: other, maxTokens: 1 }));
    await engine.finish();
    expect(engine.rows(1)[0]!.prefix).toEqual({ sharedTokens: 0 });
    expect(engine.rows(2)[0]!).toMatchObject({ cachedTokens: 29, prefix: { sharedTokens: 29, storedId: prompt[29]! } });
    expect(engine.rows(3)[0]!.prefix).toBeUndefined();
    prefixes.clear();
  });

  test("what an aborted sequence has read and written is kept", async () => {
    const prefixes = openPrefixes(8);
    const prompt = Uint32Array.from(idsOf(20, dice(44)));
    const first = new MemoryEngine(loaded, { maxRows: 2, prefillChunk: 64 }, prefixes);
    first.loop.receive(submission(1, { prompt, maxTokens: 200 }));
    while (first.answer(1).ids.length < 12) await nextTurn();
    first.loop.receive({ type: "abort", id: 1 });
    await first.finish();
    const written = first.answer(1).ids;
    const second = new MemoryEngine(loaded, { maxRows: 2, prefillChunk: 64 }, prefixes);
    second.loop.receive(submission(1, { prompt: Uint32Array.from([...prompt, ...written, 1]), maxTokens: 2 }));
    await second.finish();
    expect(second.rows(1)[0]!.cachedTokens).toBeGreaterThanOrEqual(20 + written.length - 1);
    prefixes.clear();
  });
});
