import { describe, expect, test } from "bun:test";
import { EngineLoop, type LoopOptions } from "../../src/engine/loop.ts";
import type { FromEngine, StepRow } from "../../src/engine/protocol.ts";
import { ScriptedRunner } from "../helpers/scripted-runner.ts";
import { dice, submission } from "../helpers/sequences.ts";
import { nextTurn } from "../../src/util/next-turn.ts";

const LIMITS = { maxRows: 3, maxQueue: 4, prefillChunk: 4, contextLength: 64 };
const VOCAB = 100;

function setUp(runner = new ScriptedRunner(), options: Partial<LoopOptions> = {}) {
  const sent: FromEngine[] = [];
  const deviceStats = () => ({ liveHandles: 0, activeBytes: 0, peakBytes: 0, cacheBytes: 0 });
  const loop = new EngineLoop(runner, { limits: LIMITS, vocabSize: VOCAB, send: message => void sent.push(message), deviceStats, ...options });
  const rowsOf = (id: number): StepRow[] => sent.flatMap(m => (m.type === "step" ? m.rows.filter(row => row.id === id) : []));
  const failureOf = (id: number) => sent.find(m => m.type === "failed" && m.id === id);
  return { runner, loop, sent, rowsOf, failureOf };
}

/** Runs until all that was handed in has ended. */
async function settle({ loop }: ReturnType<typeof setUp>): Promise<void> {
  loop.receive({ type: "drain" });
  await loop.run();
}

describe("engine loop", () => {
  test("every id arrives in order, once, with one finish at the end", async () => {
    const setup = setUp();
    const { loop, rowsOf } = setup;
    for (const id of [10, 20, 30, 40]) loop.receive(submission(id, { maxTokens: 5, prompt: new Uint32Array(6) }));
    await settle(setup);
    for (const id of [10, 20, 30, 40]) {
      expect(rowsOf(id).flatMap(row => row.ids)).toEqual([0, 1, 2, 3, 4].map(n => id + n));
      expect(rowsOf(id).map(row => row.finish)).toEqual([undefined, undefined, undefined, undefined, "length"]);
      expect(rowsOf(id).map(row => row.cachedTokens)).toEqual([0, undefined, undefined, undefined, undefined]);
    }
  });

  test("a sequence that asks for no token ends when its prompt is read", async () => {
    const setup = setUp();
    setup.loop.receive(submission(1, { maxTokens: 0, prompt: new Uint32Array(9) }));
    await settle(setup);
    expect(setup.rowsOf(1)).toEqual([{ id: 1, ids: [], cachedTokens: 0, finish: "length" }]);
  });

  test("what can never run is refused with the reason, and the next request works", async () => {
    const setup = setUp();
    setup.loop.receive(submission(1, { prompt: new Uint32Array(0) }));
    setup.loop.receive(submission(2, { prompt: new Uint32Array(64) }));
    setup.loop.receive(submission(3, { prompt: Uint32Array.of(VOCAB) }));
    setup.loop.receive(submission(4, { maxTokens: 1 }));
    await settle(setup);
    expect(setup.failureOf(2)).toMatchObject({ code: "too_long", message: "the prompt has 64 tokens and the context ends at 64" });
    expect(setup.failureOf(1)).toMatchObject({ code: "internal" });
    expect(setup.failureOf(3)).toMatchObject({ code: "internal" });
    expect(setup.rowsOf(4).at(-1)!.finish).toBe("length");
  });

  test("a full queue answers overloaded", async () => {
    const setup = setUp();
    for (let id = 1; id <= 8; id++) setup.loop.receive(submission(id, { maxTokens: 1 }));
    await settle(setup);
    expect(setup.failureOf(8)).toMatchObject({ code: "overloaded" });
    for (let id = 1; id <= 7; id++) expect(setup.rowsOf(id).at(-1)!.finish).toBe("length");
  });

  test("after a drain message new sequences are refused and old ones finish", async () => {
    const setup = setUp();
    setup.loop.receive(submission(1));
    setup.loop.receive({ type: "drain" });
    setup.loop.receive(submission(2));
    await setup.loop.run();
    expect(setup.rowsOf(1).at(-1)!.finish).toBe("length");
    expect(setup.failureOf(2)).toMatchObject({ code: "stopping" });
  });

  test("an abort ends a sequence within one step", async () => {
    const setup = setUp();
    setup.loop.receive(submission(1, { maxTokens: 50 }));
    const running = setup.loop.run();
    while (setup.rowsOf(1).length < 3) await nextTurn();
    setup.loop.receive({ type: "abort", id: 1 });
    setup.loop.receive({ type: "abort", id: 99 });
    const before = setup.rowsOf(1).length;
    setup.loop.receive({ type: "drain" });
    await running;
    expect(setup.rowsOf(1).length).toBe(before + 1);
    expect(setup.rowsOf(1).at(-1)).toEqual({ id: 1, ids: [], finish: "abort" });
    expect(setup.runner.forgotten).toEqual([1]);
  });

  test("a failing step fails what was admitted, keeps what waits, and the engine goes on", async () => {
    const runner = new ScriptedRunner();
    runner.failAt = 2;
    const setup = setUp(runner);
    for (const id of [1, 2, 3, 4]) setup.loop.receive(submission(id, { maxTokens: 3 }));
    await settle(setup);
    for (const id of [1, 2, 3]) expect(setup.failureOf(id)).toMatchObject({ code: "internal", message: "the device gave up" });
    expect(setup.rowsOf(4).flatMap(row => row.ids)).toEqual([4, 5, 6]);
    expect(runner.resets).toBe(1);
  });

  test("ids are gathered to as many as a message shall have; the last one has the rest", async () => {
    const setup = setUp(new ScriptedRunner(), { streamInterval: 3 });
    setup.loop.receive(submission(10, { maxTokens: 8 }));
    setup.loop.receive(submission(20, { maxTokens: 3 }));
    setup.loop.receive(submission(30, { maxTokens: 9, stopIds: [31] }));
    await settle(setup);
    expect(setup.rowsOf(10).map(row => row.ids)).toEqual([
      [10, 11, 12],
      [13, 14, 15],
      [16, 17],
    ]);
    expect(setup.rowsOf(20).map(row => [row.ids, row.finish])).toEqual([[[20, 21, 22], "length"]]);
    expect(setup.rowsOf(30).map(row => [row.ids, row.finish])).toEqual([[[30, 31], "stop"]]);
  });

  test("rows run one at a time until so many sequences meet, and together from then on", async () => {
    const widest = async (widenAt: number | undefined, count: number): Promise<number> => {
      const runner = new ScriptedRunner();
      const setup = setUp(runner, widenAt === undefined ? {} : { widenAt });
      for (let id = 1; id <= count; id++) setup.loop.receive(submission(id, { maxTokens: 5 }));
      await settle(setup);
      return runner.widest;
    };
    expect(await widest(undefined, 2)).toBe(2);
    expect(await widest(3, 2)).toBe(1);
    expect(await widest(3, 3)).toBe(3);
  });

  test("stats count what happened", async () => {
    const setup = setUp();
    const running = setup.loop.run();
    setup.loop.receive(submission(1, { maxTokens: 3 }));
    setup.loop.receive({ type: "stats", ask: 7 });
    while (setup.rowsOf(1).at(-1)?.finish === undefined) await nextTurn();
    setup.loop.receive({ type: "stats", ask: 8 });
    setup.loop.receive({ type: "drain" });
    await running;
    const [before, after] = setup.sent.filter(m => m.type === "stats");
    expect(before).toMatchObject({ ask: 7, stats: { waiting: 1, running: 0, finished: 0, promptTokens: 0, promptRate: 0, completionRate: 0 } });
    expect(after).toMatchObject({ ask: 8, stats: { waiting: 0, running: 0, finished: 1, promptTokens: 3, completionTokens: 3 } });
    expect(after!.stats.promptRate).toBeGreaterThan(0);
    expect(after!.stats.completionRate).toBeGreaterThan(0);
  });

  test("in a storm of submissions and aborts every sequence ends exactly once", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { below, next } = dice(seed);
      const setup = setUp();
      const running = setup.loop.run();
      for (let id = 1; id <= 120; id++) {
        setup.loop.receive(submission(id, { prompt: new Uint32Array(1 + below(12)), maxTokens: below(9), stopIds: [id + 5] }));
        if (next() < 0.3) setup.loop.receive({ type: "abort", id: 1 + below(id) });
        if (next() < 0.7) await nextTurn();
      }
      setup.loop.receive({ type: "drain" });
      await running;
      for (let id = 1; id <= 120; id++) {
        const rows = setup.rowsOf(id);
        const ends = rows.filter(row => row.finish !== undefined).length + setup.sent.filter(m => m.type === "failed" && m.id === id).length;
        expect(ends).toBe(1);
        const ids = rows.flatMap(row => row.ids);
        expect(ids).toEqual(ids.map((_, n) => id + n));
      }
    }
  });
});
