import { describe, expect, test } from "bun:test";
import { Scheduler, type Chunk, type Limits } from "../../src/scheduler/scheduler.ts";
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

  test("an urgent sequence takes the row of the least urgent one, which goes on later from what it knew", () => {
    const given: number[] = [];
    const scheduler = new Scheduler({ ...LIMITS, maxRows: 1 }, { begin: () => 0, preempted: sequence => void given.push(sequence.id) });
    const patient = scheduler.add(submission(1, { prompt: prompt(2), maxTokens: 8, priority: 5 }))!;
    scheduler.schedule();
    scheduler.add(submission(2, { prompt: prompt(1), maxTokens: 1, priority: -1 }));
    expect(scheduler.schedule().chunks.map(c => c.sequence.id)).toEqual([2]);
    expect(given).toEqual([1]);
    patient.record(11); // it was in flight
    const urgent = scheduler.admitted()[0]!;
    urgent.record(3);
    scheduler.remove(urgent);
    expect(scheduler.schedule().chunks).toEqual([{ sequence: patient, from: 0, to: 3 }]);
    expect([...patient.source]).toEqual([7, 7, 11]);
    scheduler.check();
  });

  test("a preempted sequence waits until its ids in flight are known", () => {
    const scheduler = new Scheduler(LIMITS);
    const sequence = scheduler.add(submission(1, { prompt: prompt(2) }))!;
    scheduler.schedule();
    scheduler.preempt(sequence);
    expect(scheduler.schedule()).toEqual({ chunks: [], decode: [] });
    sequence.record(9);
    expect(scheduler.schedule().chunks).toEqual([{ sequence, from: 0, to: 3 }]);
  });

  test("equals in urgency take no row from each other", () => {
    const scheduler = new Scheduler({ ...LIMITS, maxRows: 1 });
    scheduler.add(submission(1));
    scheduler.schedule();
    scheduler.add(submission(2));
    scheduler.schedule();
    expect(scheduler.admitted().map(({ id }) => id)).toEqual([1]);
    expect(scheduler.preemptions).toBe(0);
  });

  test("a client with many requests does not keep another one's waiting", () => {
    const scheduler = new Scheduler({ ...LIMITS, maxRows: 1, maxQueue: 99 });
    for (let id = 1; id <= 20; id++) scheduler.add(submission(id, { client: "many", maxTokens: 1 }));
    const order: number[] = [];
    for (let step = 0; step < 6; step++) {
      if (step === 2) scheduler.add(submission(100, { client: "one", maxTokens: 1 }));
      const [{ sequence }] = scheduler.schedule().chunks as [Chunk];
      order.push(sequence.id);
      sequence.record(1);
      scheduler.remove(sequence);
    }
    expect(order.slice(0, 2)).toEqual([1, 2]);
    expect(order.indexOf(100)).toBeLessThanOrEqual(3);
  });

  test("a short prompt is read beside a long one, which still gets half of each step", () => {
    const scheduler = new Scheduler({ ...LIMITS, maxRows: 4, prefillChunk: 8 });
    scheduler.add(submission(1, { prompt: prompt(30) }));
    scheduler.schedule();
    scheduler.add(submission(2, { prompt: prompt(3) }));
    for (const id of [3, 4]) scheduler.add(submission(id, { prompt: prompt(20) }));
    const plan = scheduler.schedule();
    expect(plan.chunks.find(c => c.sequence.id === 2)).toMatchObject({ from: 0, to: 3 });
    expect(plan.chunks.reduce((sum, c) => sum + c.to - c.from, 0)).toBe(8);
    expect(Math.max(...plan.chunks.map(c => c.to - c.from))).toBe(4);
  });

  test("no more prompts are read in a step than the limit says", () => {
    const scheduler = new Scheduler({ ...LIMITS, maxRows: 8, maxQueue: 8, prefillChunk: 100, prefillRows: 3 });
    for (let id = 1; id <= 8; id++) scheduler.add(submission(id, { prompt: prompt(2), maxTokens: 9 }));
    expect([1, 2, 3].map(() => scheduler.schedule().chunks.length)).toEqual([3, 3, 2]);
  });

  test("who finds no room waits, and nobody passes it", () => {
    let room = false;
    const scheduler = new Scheduler({ ...LIMITS, maxRows: 4 }, { begin: () => 0, hasRoom: () => room });
    for (const id of [1, 2, 3]) scheduler.add(submission(id));
    scheduler.schedule();
    expect(scheduler.admitted().map(({ id }) => id)).toEqual([1]); // the first always runs
    room = true;
    scheduler.schedule();
    expect(scheduler.admitted().map(({ id }) => id)).toEqual([1, 2, 3]);
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

/**
 * Adds, aborts, preempts and steps at random, with clients, priorities and memory that comes and goes; results become known
 * one step late, as on a device. Every sequence's ids count up, so that one lost or drawn twice shows.
 */
function walk(seed: number): void {
  const { below, next, pick } = dice(seed);
  const limits = { maxRows: 1 + below(5), maxQueue: below(6), prefillChunk: 1 + below(9), prefillRows: 1 + below(4), contextLength: 40 };
  const scheduler = new Scheduler(limits, { begin: sequence => below(sequence.source.length), hasRoom: () => next() < 0.8 });
  const open = new Map<number, Sequence>();
  let nextId = 1;
  let late: { sequence: Sequence; place: number }[] = [];
  const settle = (): void => {
    for (const { sequence, place } of late) {
      const ends = below(12) === 0;
      const counted = sequence.record(ends ? 0 : 1 + place);
      expect(counted).toBe(open.has(sequence.id));
      if (counted) expect(sequence.answer.length).toBe(place + 1);
      if (sequence.finish === undefined || !counted) continue;
      expect(sequence.finish === "stop" ? sequence.answer.at(-1) : sequence.answer.length).toBe(sequence.finish === "stop" ? 0 : sequence.limit);
      scheduler.remove(sequence);
      open.delete(sequence.id);
    }
  };
  for (let step = 0; step < 400; step++) {
    if (next() < 0.3 && step < 250) {
      const id = nextId++;
      const fields = { maxTokens: 1 + below(12), stopIds: [0], priority: below(3), client: pick(["a", "b", "c"]) };
      const sequence = scheduler.add(submission(id, { prompt: prompt(1 + below(20)), ...fields }));
      if (sequence !== undefined) open.set(id, sequence);
    }
    if (next() < 0.05 && open.size > 0) {
      const id = [...open.keys()][below(open.size)]!;
      scheduler.remove(scheduler.abort(id)!);
      open.delete(id);
    }
    const victim = next() < 0.1 && step < 250 ? scheduler.lastToRun() : undefined;
    if (victim !== undefined) scheduler.preempt(victim);
    if (next() < 0.02) scheduler.rowLimit = 1 + below(limits.maxRows);
    const plan = scheduler.schedule();
    const drawing = [...plan.decode, ...plan.chunks.filter(c => c.to === c.sequence.source.length).map(c => c.sequence)];
    expect(new Set(drawing).size).toBe(drawing.length);
    const dispatched = drawing.map(sequence => ({ sequence, place: sequence.answer.length + sequence.inFlight - 1 }));
    settle();
    late = dispatched;
    scheduler.check();
  }
  settle();
  expect(open.size).toBe(0);
  expect(scheduler.idle).toBe(true);
}
