// Memory that is short: sums agree with MLX's counters, rows are given up and made again without a change, and it ends well.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Ledger } from "../../src/cache/ledger.ts";
import { Memory, type Holder } from "../../src/engine/memory.ts";
import { Runner } from "../../src/engine/runner.ts";
import { rowsCost } from "../../src/kv/cost.ts";
import { PrefixStore } from "../../src/kv/prefix-store.ts";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import * as mx from "../../src/mx/index.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { alone, counters, MemoryEngine, mixture } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { dice, submission } from "../helpers/sequences.ts";
import { nextTurn } from "../../src/util/next-turn.ts";

let loaded: LoadedModel;
beforeAll(() => {
  openForTests();
  loaded = loadModel(join(import.meta.dir, "../golden/qwen3/float32"));
});
afterAll(() => loaded.weights.release());

/** Memory for keys and values of `kv` bytes, whatever the weights take. */
function memoryOf(kv: number, chunk: number): (holder: Holder) => Memory {
  const weights = loaded.weights.bytes;
  const work = { workPerId: 0, workPerStep: 0 };
  const options = { limit: weights + kv, maxBuffers: Infinity, weights, rows: rowsCost(loaded.model.layout, 4), chunk, ...work };
  const ledger = new Ledger(options);
  ledger.observe = () => {}; // these tests count rows and not what a step takes
  return holder => new Memory(ledger, holder, { counters, clearCache: mx.clearCache, resetPeak: mx.resetPeakMemory }, 4);
}

describe("the ledger", () => {
  test.each([
    ["of like length", 100],
    ["of which one is long", 3000],
  ])("agrees with MLX's counters whenever the device rests, for rows %s", (_, first) => {
    mx.clearCache();
    const base = mx.activeMemory() - loaded.weights.bytes;
    const prefixes = new PrefixStore({ strategy: "memory-aware", blockSize: 8, maxBytes: 1 << 22 });
    const runner = new Runner(loaded.model, prefixes);
    const memory = memoryOf(1 << 30, 64)(runner);
    const scheduler = new Scheduler({ maxRows: 12, maxQueue: 0, prefillChunk: 512, contextLength: 4096 }, runner);
    const { below } = dice(3);
    for (let id = 1; id <= 12; id++) {
      const prompt = Uint32Array.from({ length: (id === 1 ? first : 100) + below(300) }, () => below(loaded.model.vocabSize));
      scheduler.add(submission(id, { prompt, maxTokens: 60 }));
    }
    let rests = 0;
    for (let step = 0; step < 50; step++) {
      const plan = scheduler.schedule();
      for (const { sequence, id } of runner.read(runner.dispatch(plan)!).drawn) sequence.record(id);
      const { weights, kv, kvReserved, prefixes: stored, active } = memory.stats(scheduler);
      const used = active - base;
      expect(kvReserved).toBeGreaterThanOrEqual(kv);
      expect(used).toBeLessThan((weights + kvReserved + stored) * 1.2); // joined rows exist twice for a moment
      rests = plan.chunks.length === 0 ? rests + 1 : 0; // rows that join are copied with the step that follows
      if (rests > 1) expect(Math.abs(used - weights - kv - stored) / used).toBeLessThan(0.05);
    }
    expect(rests).toBeGreaterThan(10);
    expect(runner.prefixBytes).toBeGreaterThan(0);
    runner.reset();
    prefixes.clear();
  });
});

test("what loading took counts as no step's work, and reports keep it as the peak", () => {
  const ledger = new Ledger({ limit: 1000, maxBuffers: Infinity, weights: 100, rows: () => 0, chunk: 20, workPerId: 1, workPerStep: 0 });
  let peakBytes = 900;
  const holder = { kvBytes: 0, stateBytes: 0, prefixBytes: 0, shrinkPrefixes: () => {}, tighten: () => {} };
  const device = {
    counters: () => ({ liveHandles: 0, activeBytes: 100, peakBytes, cacheBytes: 0 }),
    clearCache: () => {},
    resetPeak: () => (peakBytes = 140),
  };
  const memory = new Memory(ledger, holder, device);
  const sequence = new Scheduler({ maxRows: 1, maxQueue: 0, prefillChunk: 20, contextLength: 100 }, { begin: () => 0 }).add(submission(1))!;
  memory.measure({ chunks: [{ sequence, from: 0, to: 20 }], decode: [] });
  expect(ledger.sum([20], []).work).toBe(40);
  expect(memory.peakBytes).toBe(900);
});

test("beside a long row short ones run as soon as there is room for short ones", async () => {
  const before = mx.liveHandles();
  const shorts = 20;
  const positions = 3072 + (32 + shorts) * 256; // the long row's, those of the short ones' band, and theirs while they are read
  const room = rowsCost(loaded.model.layout, 4)([], [256]) * (positions / 256);
  const lasting = { ...loaded, info: { ...loaded.info, contextLength: 4096 } };
  const engine = new MemoryEngine(lasting, { maxRows: 64, prefillChunk: 512 }, undefined, memoryOf(room, 512));
  const prompt = (length: number) => Uint32Array.from({ length }, (_, i) => (i * 5 + length) % loaded.model.vocabSize);
  const all = Array.from({ length: shorts }, (_, i) => submission(i + 2, { prompt: prompt(150 + i), maxTokens: 50, logprobs: 1 }));
  const long = submission(1, { prompt: prompt(2900), maxTokens: 100, logprobs: 1 });
  engine.loop.receive(long);
  while (engine.rows(1).length === 0) await nextTurn();
  for (const submit of all) engine.loop.receive(submit);
  while (engine.rows(shorts + 1).length === 0) await nextTurn();
  engine.loop.receive({ type: "stats", ask: 1 });
  await engine.finish();
  const { stats } = engine.sent.find(message => message.type === "stats")!;
  expect(stats).toMatchObject({ running: shorts + 1, waiting: 0, preemptions: 0 });
  expect(stats.peakBytes).toBeGreaterThanOrEqual(stats.activeBytes);
  for (const submit of [long, ...all]) expect(engine.answer(submit.id)).toEqual(await alone(lasting, submit));
  expect(mx.liveHandles()).toBe(before);
});

test("what a band has room for when its rows have left is given back before stored prefixes are", () => {
  const prefixes = new PrefixStore({ strategy: "memory-aware", blockSize: 8, maxBytes: 1 << 24 });
  const runner = new Runner(loaded.model, prefixes);
  const scheduler = new Scheduler({ maxRows: 8, maxQueue: 0, prefillChunk: 4096, contextLength: 4096 }, runner);
  const sequences = [300, 310].map((length, i) => scheduler.add(submission(i + 1, { prompt: new Uint32Array(length), maxTokens: 60 }))!);
  const step = (): void => {
    for (const { sequence, id } of runner.read(runner.dispatch(scheduler.schedule())!).drawn) sequence.record(id);
  };
  step();
  step();
  for (const sequence of sequences.slice(1)) scheduler.remove(sequence);
  step();
  const perSlot = rowsCost(loaded.model.layout, 4)([], [300]);
  const [held, stored] = [runner.kvBytes, runner.prefixBytes];
  memoryOf(perSlot + stored, 64)(runner).makeRoom(scheduler);
  expect([held, runner.kvBytes, runner.prefixBytes]).toEqual([2 * perSlot, perSlot, stored]);
  runner.reset();
  prefixes.clear();
});

describe("with too little memory for all", () => {
  test.each([false, true])("everybody gets what each gets alone; stored prefixes: %p", async stored => {
    const before = mx.liveHandles();
    const room = rowsCost(loaded.model.layout, 4)([], [3 * 256]);
    const prefixes = stored ? new PrefixStore({ strategy: "memory-aware", blockSize: 8, maxBytes: room }) : undefined;
    const engine = new MemoryEngine(loaded, { maxRows: 16, prefillChunk: 64 }, prefixes, memoryOf(room, 64));
    const all = mixture(6, 12, loaded.model.vocabSize).map((submit, i) => ({
      ...submit,
      prompt: Uint32Array.from({ length: 240 + i }, (_, n) => (n * 7 + i) % loaded.model.vocabSize),
      maxTokens: 24,
      stopIds: [],
    }));
    for (const submit of all) {
      engine.loop.receive(submit);
      await nextTurn();
    }
    engine.loop.receive({ type: "stats", ask: 1 });
    await engine.finish();
    engine.loop.receive({ type: "stats", ask: 2 });
    await engine.loop.run();
    const after = engine.sent.findLast(message => message.type === "stats")!.stats;
    expect(after.preemptions).toBeGreaterThan(0);
    for (const submit of all) expect(engine.answer(submit.id)).toEqual(await alone(loaded, submit));
    const { stats } = engine.sent.find(message => message.type === "stats")!;
    expect(stats.running).toBeLessThan(5);
    prefixes?.clear();
    expect(mx.liveHandles()).toBe(before);
  });

  test("what can never fit is refused with the sum, and after the storm a small prompt runs at once", async () => {
    const room = rowsCost(loaded.model.layout, 4)([256], []);
    const prefixes = new PrefixStore({ strategy: "memory-aware", blockSize: 8, maxBytes: room });
    const engine = new MemoryEngine(loaded, { maxRows: 16, prefillChunk: 64 }, prefixes, memoryOf(room, 64));
    engine.loop.receive(submission(1, { prompt: new Uint32Array(300) }));
    for (let id = 2; id <= 40; id++) {
      engine.loop.receive(submission(id, { prompt: new Uint32Array(5 * id), maxTokens: 30 }));
      if (id % 3 === 0) engine.loop.receive({ type: "abort", id: id - 1 });
      await nextTurn();
    }
    const ended = (): number => engine.sent.flatMap(m => (m.type === "step" ? m.rows.filter(row => row.finish) : [])).length;
    while (ended() < 39) await nextTurn();
    const failed = engine.sent.filter(message => message.type === "failed");
    expect(failed).toEqual([expect.objectContaining({ id: 1, code: "memory" })]);
    expect(failed[0]!.message).toMatch(/^the prompt of 301 tokens needs .* \(weights .*, keys and values .*, work .*\), and .* may be used$/);
    engine.loop.receive(submission(100, { prompt: new Uint32Array(10), maxTokens: 1 }));
    await engine.finish();
    expect(engine.answer(100).finish).toBe("length");
    prefixes.clear();
  });

  test("an answer ends with length where memory ends", async () => {
    const engine = new MemoryEngine(loaded, { maxRows: 4, prefillChunk: 64 }, undefined, memoryOf(rowsCost(loaded.model.layout, 4)([256], []), 64));
    engine.loop.receive(submission(1, { prompt: new Uint32Array(200), maxTokens: 500 }));
    await engine.finish();
    expect(engine.answer(1)).toMatchObject({ finish: "length", ids: { length: 56 } });
  });
});
