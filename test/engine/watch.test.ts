// What an engine does about memory pressure, repetition and batches that change answers. Scripted runners, no tensors.
import { describe, expect, test } from "bun:test";
import { EngineLoop, type LoopOptions } from "../../src/engine/loop.ts";
import type { EngineStats, FromEngine } from "../../src/engine/protocol.ts";
import { Divergence } from "../../src/monitor/divergence.ts";
import { Pressure, type PressureAction } from "../../src/monitor/pressure.ts";
import { ScriptedRunner } from "../helpers/scripted-runner.ts";
import { submission } from "../helpers/sequences.ts";
import { nextTurn } from "../../src/util/next-turn.ts";

const LIMITS = { maxRows: 4, maxQueue: 100, prefillChunk: 64, contextLength: 512 };
const turn = (): Promise<void> => nextTurn();

class Engine {
  readonly sent: FromEngine[] = [];
  readonly runner = new ScriptedRunner();
  readonly loop: EngineLoop;
  private readonly running: Promise<void>;

  constructor(options: Partial<LoopOptions>) {
    const deviceStats = () => ({ liveHandles: 0, activeBytes: 0, peakBytes: 0, cacheBytes: 0 });
    this.loop = new EngineLoop(this.runner, { limits: LIMITS, vocabSize: 1000, send: m => void this.sent.push(m), deviceStats, ...options });
    this.running = this.loop.run();
  }

  ids(id: number): number[] {
    return this.sent.flatMap(m => (m.type === "step" ? m.rows.filter(row => row.id === id).flatMap(row => row.ids) : []));
  }

  async until(condition: () => boolean): Promise<void> {
    for (let turns = 0; !condition(); turns++) {
      if (turns > 5000) throw new Error("it never happens");
      await turn();
    }
  }

  ended(id: number): boolean {
    return this.sent.some(m =>
      m.type === "step" ? m.rows.some(row => row.id === id && row.finish !== undefined) : m.type === "failed" && m.id === id,
    );
  }

  async stats(): Promise<EngineStats> {
    const before = this.sent.length;
    this.loop.receive({ type: "stats", ask: 1 });
    await this.until(() => this.sent.slice(before).some(m => m.type === "stats"));
    return this.sent.findLast(m => m.type === "stats")!.stats;
  }

  async finish(): Promise<void> {
    this.loop.receive({ type: "drain" });
    await this.running;
  }
}

describe("memory pressure", () => {
  const open = (action: PressureAction, used: () => number): Engine => {
    const monitor = new Pressure({ warnPercent: 70, limitPercent: 85, action, totalBytes: 100, log: () => {} });
    return new Engine({ watch: { pressure: { monitor, intervalMs: 0, activeBytes: used } } });
  };

  test("with reject-new refuses requests while others run, and takes one when nothing runs, so that it never stays shut", async () => {
    const engine = open("reject-new", () => 90);
    engine.loop.receive(submission(1, { maxTokens: 20 }));
    engine.loop.receive(submission(2, { maxTokens: 2 }));
    await engine.until(() => engine.ended(1));
    expect(engine.sent.find(m => m.type === "failed")).toMatchObject({ id: 2, code: "pressure" });
    expect((await engine.stats()).pressure).toMatchObject({ state: "critical", percent: 90 });
    engine.loop.receive(submission(3, { maxTokens: 2 }));
    await engine.finish();
    expect(engine.ids(3).length).toBe(2);
  });

  test("with reduce-context halves what new requests may write, and leaves them at least one token", async () => {
    let used = 90;
    const engine = open("reduce-context", () => used);
    for (const [id, maxTokens] of [
      [1, 9],
      [2, 1],
      [3, 0],
    ] as const)
      engine.loop.receive(submission(id, { maxTokens }));
    await engine.until(() => [1, 2, 3].every(id => engine.ended(id)));
    expect([1, 2, 3].map(id => engine.ids(id).length)).toEqual([4, 1, 0]);
    used = 10;
    engine.loop.receive(submission(4, { maxTokens: 9 }));
    await engine.finish();
    expect(engine.ids(4).length).toBe(9);
  });
});

describe("batches that change answers", () => {
  const open = (lies: boolean): { engine: Engine; alone: ScriptedRunner } => {
    const alone = new ScriptedRunner();
    if (lies) alone.draw = (sequence, place) => sequence.id + place * 3;
    const monitor = new Divergence({ intervalMs: 3_600_000, threshold: 0.95, action: "serialize", log: () => {} });
    return { engine: new Engine({ watch: { divergence: { monitor, alone } } }), alone };
  };
  const both = async (engine: Engine): Promise<void> => {
    for (const id of [10, 20]) engine.loop.receive(submission(id, { maxTokens: 30 }));
    await engine.until(() => engine.ended(10) && engine.ended(20));
  };

  test("are not there: an answer from a batch is the same alone", async () => {
    const { engine, alone } = open(false);
    await both(engine);
    await engine.until(() => alone.resets > 0);
    expect((await engine.stats()).divergence).toMatchObject({ status: "pass", samples: 1, agreement: 1, exact: true, serializes: false });
    await engine.finish();
    expect(alone.widest).toBe(1);
  });

  test("are told, and whole answers are then written one at a time", async () => {
    const { engine, alone } = open(true);
    await both(engine);
    await engine.until(() => alone.resets > 0);
    const { divergence } = await engine.stats();
    expect(divergence).toMatchObject({ status: "warning", serializes: true, exact: false });
    expect(divergence!.agreement).toBeCloseTo(1 / 30);
    engine.runner.widest = 0;
    for (const id of [110, 120, 130]) engine.loop.receive(submission(id, { maxTokens: 10 }));
    await engine.finish();
    expect(engine.runner.widest).toBe(1);
    expect(engine.ids(130).length).toBe(10);
  });

  test("cannot be looked for when the answer cannot be written again, which ends nothing else", async () => {
    const { engine, alone } = open(false);
    alone.failAt = 2;
    await both(engine);
    await engine.until(() => alone.resets > 0);
    expect((await engine.stats()).divergence).toMatchObject({ status: "warning", error: "the device gave up", samples: 0 });
    engine.loop.receive(submission(30, { maxTokens: 3 }));
    await engine.finish();
    expect(engine.ids(30).length).toBe(3);
  });

  test("are not looked for in an answer that was written alone", async () => {
    const { engine, alone } = open(true);
    engine.loop.receive(submission(1, { maxTokens: 5 }));
    await engine.until(() => engine.ended(1));
    await engine.finish();
    expect(alone.widest).toBe(0);
  });
});

test("stats tell each sequence's phase and how far it is", async () => {
  const engine = new Engine({ limits: { ...LIMITS, maxRows: 2, prefillChunk: 4 } });
  for (const id of [1, 2, 3]) engine.loop.receive(submission(id, { maxTokens: 200, prompt: new Uint32Array(id === 2 ? 400 : 3), tag: `t${id}` }));
  await engine.until(() => engine.ids(1).length > 5);
  const { sequences } = await engine.stats();
  expect(sequences.map(({ tag, phase }) => [tag, phase])).toEqual([
    ["t1", "generation"],
    ["t2", "prefill"],
    ["t3", "queued"],
  ]);
  const [first, , third] = sequences;
  expect(first).toMatchObject({ promptTokens: 3, maxTokens: 200, cachedTokens: 0 });
  expect(first!.completionTokens).toBeGreaterThan(5);
  expect(first!.firstTokenMs).toBeLessThanOrEqual(first!.elapsedMs);
  expect(third).toMatchObject({ completionTokens: 0, firstTokenMs: undefined });
  await engine.finish();
});

test("answers that repeat are ended, counted, and the last token is told as one of the answer", async () => {
  const engine = new Engine({});
  engine.runner.draw = () => 7;
  engine.loop.receive(submission(1, { maxTokens: 100, repetition: "safe" }));
  engine.loop.receive(submission(2, { maxTokens: 100, repetition: "strict" }));
  engine.loop.receive(submission(3, { maxTokens: 100, repetition: "off" }));
  await engine.until(() => engine.ended(3));
  expect([1, 2, 3].map(id => engine.ids(id).length)).toEqual([8, 4, 100]);
  const last = engine.sent.flatMap(m => (m.type === "step" ? m.rows : [])).findLast(row => row.id === 1);
  expect(last).toMatchObject({ finish: "stop", repetition: "single_token_run" });
  const { repetitions } = await engine.stats();
  expect(repetitions).toEqual({ total: 2, byMode: { safe: 1, strict: 1 }, byTrigger: { single_token_run: 2 }, tokensSaved: 92 + 96 });
  await engine.finish();
});
