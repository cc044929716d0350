// Which texts a step encodes: everything once, no step over its budget, and short requests do not wait for long ones.
import { describe, expect, test } from "bun:test";
import type { Encode } from "../../src/engine/protocol.ts";
import { EncodeQueue } from "../../src/embeddings/queue.ts";

const request = (id: number, ...lengths: number[]): Encode => ({
  type: "encode",
  id,
  texts: lengths.map(length => ({ ids: new Uint32Array(length) })),
});
const names = (texts: ReturnType<EncodeQueue["take"]>) => texts.map(({ id, text }) => `${id}.${text}`);

describe("a step", () => {
  test("takes texts up to its budget, longest first within a request", () => {
    const queue = new EncodeQueue(10);
    queue.add(request(1, 2, 5, 3));
    expect(names(queue.take(8))).toEqual(["1.1", "1.2"]);
    expect(names(queue.take(8))).toEqual(["1.0"]);
    expect(queue.take(8)).toEqual([]);
  });

  test("takes a text that alone is over the budget", () => {
    const queue = new EncodeQueue(10);
    queue.add(request(1, 100, 1));
    expect(names(queue.take(8))).toEqual(["1.0"]);
  });

  test("lets requests take turns", () => {
    const queue = new EncodeQueue(10);
    queue.add(request(1, ...Array<number>(100).fill(4)));
    queue.add(request(2, 4));
    expect(names(queue.take(16))).toEqual(["1.0", "2.0", "1.1", "1.2"].map(name => name.replace(/^1\.(\d)$/, (_, i) => `1.${99 - Number(i)}`)));
  });

  test("begins with another request each time, so that texts larger than a budget get their turn", () => {
    const queue = new EncodeQueue(10);
    queue.add(request(1, 3, 3, 3));
    queue.add(request(2, 9));
    expect(names(queue.take(8)).every(name => name.startsWith("1."))).toBe(true);
    expect(names(queue.take(8))).toEqual(["2.0"]);
  });
});

test("the most urgent have a step for themselves, and the others go on in their order behind them", () => {
  const queue = new EncodeQueue(10);
  queue.add({ ...request(1, 3, 3), priority: 9 });
  queue.add(request(2, 3, 3, 3));
  queue.add({ ...request(3, 3), priority: 9 });
  expect(names(queue.take(7))).toEqual(["2.2", "2.1"]);
  queue.add({ ...request(4, 3), priority: -1 });
  expect(names(queue.take(100))).toEqual(["4.0"]);
  expect(names(queue.take(100))).toEqual(["2.0"]);
  expect(names(queue.take(7))).toEqual(["1.1", "3.0"]);
  expect(names(queue.take(7))).toEqual(["1.0"]);
  expect([queue.take(7), queue.idle]).toEqual([[], true]);
});

test("one request more than may wait is not taken, and its place is free again once another has begun its last text", () => {
  const queue = new EncodeQueue(1);
  expect(queue.add(request(1, 3))).toBe(true);
  expect(queue.add(request(2, 3))).toBe(false);
  queue.take(8);
  expect(queue.add(request(2, 3))).toBe(true);
});

test("a removed request is never taken, and removing it twice is fine", () => {
  const queue = new EncodeQueue(10);
  queue.add(request(1, 3));
  queue.add(request(2, 3));
  queue.remove(1);
  queue.remove(1);
  expect(names(queue.take(100))).toEqual(["2.0"]);
  expect(queue.idle).toBe(true);
});

test("in a random walk every text of every request that stays is taken exactly once, within the budget", () => {
  let state = 7;
  const below = (bound: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % bound;
  const queue = new EncodeQueue(8);
  const open = new Map<number, Set<string>>();
  for (let step = 0; step < 3000; step++) {
    const action = below(10);
    if (action < 4) {
      const one = request(step, ...Array.from({ length: 1 + below(6) }, () => 1 + below(20)));
      if (queue.add(one)) open.set(step, new Set(one.texts.map((_, i) => `${step}.${i}`)));
      else expect([...open.values()].filter(left => left.size > 0).length).toBe(8);
    } else if (action === 4 && open.size > 0) {
      const id = [...open.keys()][below(open.size)]!;
      queue.remove(id);
      open.delete(id);
    } else {
      const taken = queue.take(24);
      const size = taken.reduce((sum, { content }) => sum + content.ids.length, 0);
      expect(size <= 24 || taken.length === 1).toBe(true);
      for (const { id, text } of taken) expect(open.get(id)!.delete(`${id}.${text}`)).toBe(true);
      for (const [id, left] of open) if (left.size === 0) open.delete(id);
      expect(queue.idle).toBe(open.size === 0);
    }
  }
});
