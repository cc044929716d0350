import { describe, expect, test } from "bun:test";
import { Scheduler, type Limits } from "../../src/scheduler/scheduler.ts";
import type { Sequence } from "../../src/scheduler/sequence.ts";
import { dice, submission } from "../helpers/sequences.ts";

const LIMITS: Limits = { maxRows: 2, maxQueue: 3, prefillChunk: 4, contextLength: 32 };

const prompt = (length: number): Uint32Array => new Uint32Array(length).fill(7);

describe("scheduler", () => {
  test("a prompt longer than the chunk is read over several steps, then the sequence draws", () => {
    const scheduler = new Scheduler(LIMITS);
    const sequence = scheduler.add(submission(1, { prompt: prompt(10), maxTokens: 2 }))!;
    const ranges = [1, 2, 3].map(() => scheduler.schedule().chunks.map(c => [c.from, c.to]));
    expect(ranges).toEqual([[[0, 4]], [[4, 8]], [[8, 10]]]);
    expect(sequence.inFlight).toBe(1);
    expect(scheduler.schedule().decode).toEqual([sequence]);
    expect(scheduler.schedule().decode).toEqual([]); // two ids are in flight, no third is wanted
  });

  test("one step reads several short prompts, as many as the chunk holds", () => {
    const scheduler = new Scheduler({ ...LIMITS, maxRows: 4, prefillChunk: 8 });
    for (const id of [1, 2, 3]) scheduler.add(submission(id, { prompt: prompt(3) }));
    expect(scheduler.schedule().chunks.map(c => [c.sequence.id, c.from, c.to])).toEqual([
      [1, 0, 3],
      [2, 0, 3],
      [3, 0, 2],
    ]);
  });

  test("running sequences draw in the same step in which a long prompt is read on", () => {
    const scheduler = new Scheduler(LIMITS);
    const first = scheduler.add(submission(1, { prompt: prompt(2), maxTokens: 8 }))!;
    scheduler.schedule();
    scheduler.add(submission(2, { prompt: prompt(12) }));
    const plan = scheduler.schedule();
    expect(plan.decode).toEqual([first]);
    expect(plan.chunks.map(c => c.sequence.id)).toEqual([2]);
  });

  test("the queue is bounded", () => {
    const scheduler = new Scheduler(LIMITS);
    const taken = [1, 2, 3, 4, 5, 6].map(id => scheduler.add(submission(id)) !== undefined);
    expect(taken).toEqual([true, true, true, true, true, false]); // two rows and three places to wait
    scheduler.schedule();
    expect(scheduler.runningCount).toBe(2);
    expect(scheduler.waitingCount).toBe(3);
    expect(scheduler.add(submission(7))).toBeUndefined();
  });

  test("a stop id ends a sequence, and ids drawn after it are dropped", () => {
    const scheduler = new Scheduler(LIMITS);
    const sequence = scheduler.add(submission(1, { stopIds: [9] }))!;
    scheduler.schedule();
    scheduler.schedule();
    expect(sequence.record(9)).toBe(true);
    expect(sequence.finish).toBe("stop");
    expect(sequence.record(5)).toBe(false);
    expect(sequence.answer).toEqual([9]);
  });

  test("the context ends a sequence that asked for more", () => {
    const scheduler = new Scheduler(LIMITS);
    const sequence = scheduler.add(submission(1, { prompt: prompt(30), maxTokens: 100 }))!;
    expect(sequence.limit).toBe(2);
  });

  test("an aborted sequence is planned no more", () => {
    const scheduler = new Scheduler(LIMITS);
    scheduler.add(submission(1));
    scheduler.schedule();
    const sequence = scheduler.abort(1)!;
    scheduler.remove(sequence);
    expect(scheduler.schedule()).toEqual({ chunks: [], decode: [] });
    expect(scheduler.idle).toBe(true);
    expect(scheduler.abort(1)).toBeUndefined();
  });

  test("random walks keep the lists consistent, lose no sequence and draw exactly what was asked", () => {
    for (let seed = 0; seed < 40; seed++) walk(seed);
  });
});

/** Adds, aborts and steps at random; results become known one step late, as on a device. */
function walk(seed: number): void {
  const { below, next } = dice(seed);
  const scheduler = new Scheduler({ maxRows: 1 + below(5), maxQueue: below(6), prefillChunk: 1 + below(9), contextLength: 40 });
  const open = new Map<number, Sequence>();
  let nextId = 1;
  let late: Sequence[] = [];
  const settle = (sequences: Sequence[]): void => {
    for (const sequence of sequences) {
      const counted = sequence.record(below(8));
      expect(counted).toBe(open.has(sequence.id));
      if (sequence.finish === undefined || !counted) continue;
      expect(sequence.finish === "stop" ? sequence.answer.at(-1) : sequence.answer.length).toBe(sequence.finish === "stop" ? 0 : sequence.limit);
      scheduler.remove(sequence);
      open.delete(sequence.id);
    }
  };
  for (let step = 0; step < 400; step++) {
    if (next() < 0.3 && step < 300) {
      const id = nextId++;
      const sequence = scheduler.add(submission(id, { prompt: prompt(1 + below(20)), maxTokens: 1 + below(12), stopIds: [0] }));
      if (sequence !== undefined) open.set(id, sequence);
    }
    if (next() < 0.05 && open.size > 0) {
      const id = [...open.keys()][below(open.size)]!;
      scheduler.remove(scheduler.abort(id)!);
      open.delete(id);
    }
    const plan = scheduler.schedule();
    const drawing = [...plan.decode, ...plan.chunks.filter(c => c.to === c.sequence.request.prompt.length).map(c => c.sequence)];
    expect(new Set(drawing).size).toBe(drawing.length);
    settle(late);
    late = drawing;
    scheduler.check();
  }
  settle(late);
  expect(open.size).toBe(0);
  expect(scheduler.idle).toBe(true);
}
