import { describe, expect, test } from "bun:test";
import { PrefixCache, type PrefixCacheOptions, type PrefixLimits } from "../../src/cache/prefix.ts";
import { dice } from "../helpers/sequences.ts";

const ids = (...values: number[]): Uint32Array => Uint32Array.from(values);
const run = (from: number, count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => from + i);
const UNLIMITED: PrefixLimits = { bytes: Infinity, blocks: Infinity, chains: Infinity };

/** Blocks of two ids, one byte each; a payload is a name with the block's number. */
function setUp(limits: Partial<PrefixLimits> = {}, more: Partial<PrefixCacheOptions<string>> = {}) {
  const dropped: string[] = [];
  const options = { blockSize: 2, limits: { ...UNLIMITED, ...limits }, sizeOf: () => 1, dropped: (payload: string) => void dropped.push(payload) };
  const cache = new PrefixCache<string>({ ...options, ...more });
  const store = (name: string, values: Uint32Array, partial = false): void => {
    cache.insert(values, (from, blocks) => blocks.map((_, n) => `${name}${from / 2 + n}`), partial);
    cache.check();
  };
  const match = (values: Uint32Array) => {
    const found = cache.match(values);
    cache.letGo(found.blocks);
    cache.check();
    return found;
  };
  const found = (values: Uint32Array): string[] => match(values).blocks.map(block => block.payload);
  return { cache, dropped, store, match, found };
}

describe("what is found", () => {
  test("a prompt finds the longest stored chain and keeps one id to read", () => {
    const { store, match, found } = setUp();
    store("a", ids(1, 2, 3, 4, 5));
    expect(found(ids(1, 2, 3, 4, 9))).toEqual(["a0", "a1"]);
    expect(match(ids(1, 2, 3, 4))).toMatchObject({ length: 3, shared: 4 }); // the last id must be read to give logits
    expect(match(ids(1, 2, 3))).toMatchObject({ length: 2, shared: 3 });
    expect(match(ids(1))).toMatchObject({ length: 0, shared: 1, blocks: [] });
    expect(match(ids(2, 2, 3, 4, 5))).toMatchObject({ length: 0, shared: 0, storedId: 1 });
  });

  test("what does not go beyond the ids that are held already counts as not found, and not as used again", () => {
    const { cache, store } = setUp({ blocks: 2 });
    store("a", ids(1, 2));
    store("b", ids(3, 4));
    expect(cache.match(ids(1, 2, 9), 2)).toMatchObject({ blocks: [], length: 0, shared: 2 });
    expect(cache.match(ids(3, 4, 9), 1)).toMatchObject({ length: 2 });
    store("c", ids(5, 6));
    expect([cache.match(ids(1, 2, 9)).length, cache.match(ids(5, 6, 9)).length]).toEqual([0, 2]);
  });

  test("a prompt that leaves the stored chain inside a block uses that block's first part", () => {
    const { store, match } = setUp();
    store("a", ids(1, 2, 3, 4, 5, 6));
    const { blocks, length, shared, storedId } = match(ids(1, 2, 3, 9, 5, 6));
    expect([blocks.map(block => block.payload), length, shared, storedId]).toEqual([["a0", "a1"], 3, 3, 4]);
  });

  test("what is left behind the last full block is stored on demand, until a longer block begins with it", () => {
    const { cache, dropped, store, match } = setUp();
    store("a", ids(1, 2, 3), true);
    expect(match(ids(1, 2, 3, 4))).toMatchObject({ length: 3, storedId: undefined });
    store("b", ids(1, 2, 3), true);
    expect(cache.blocks).toBe(2);
    store("c", ids(1, 2, 3, 4));
    expect([cache.blocks, dropped]).toEqual([2, ["a1"]]);
    store("d", ids(1, 2, 3), true);
    expect(cache.blocks).toBe(2);
  });

  test("equal ids behind different parents are different blocks", () => {
    const { store, found } = setUp();
    store("a", ids(1, 2, 7, 8));
    store("b", ids(3, 4, 7, 8));
    expect(found(ids(3, 4, 7, 8, 0))).toEqual(["b0", "b1"]);
    expect(found(ids(1, 2, 7, 8, 0))).toEqual(["a0", "a1"]);
    expect(found(ids(7, 8, 0))).toEqual([]);
  });

  test("branches share their common blocks", () => {
    const { cache, store, found } = setUp();
    store("a", ids(1, 2, 3, 4));
    store("b", ids(1, 2, 5, 6));
    expect([cache.blocks, cache.chains]).toEqual([3, 2]);
    expect(found(ids(1, 2, 5, 6, 0))).toEqual(["a0", "b1"]);
  });

  test("where reading cannot go on behind a payload, a match ends before it", () => {
    const { store, match } = setUp({}, { canEnd: (payload, whole) => whole && payload.endsWith("1") });
    store("a", ids(1, 2, 3, 4, 5, 6));
    expect(match(ids(1, 2, 3, 4, 5, 6, 7))).toMatchObject({ length: 4, shared: 6 });
    expect(match(ids(1, 2, 3, 4, 5, 9))).toMatchObject({ length: 4, shared: 5 });
    expect(match(ids(1, 2, 3, 9))).toMatchObject({ length: 0, shared: 3 });
  });

  test("a block that is not stored is asked for elsewhere", () => {
    const asked: string[] = [];
    const load: PrefixCacheOptions<string>["load"] = (parent, part) => {
      asked.push(`${parent?.payload}>${part.join()}`);
      return part[0]! < 5 ? `loaded${part[0]}` : undefined;
    };
    const { cache, found } = setUp({}, { load });
    expect(found(ids(1, 2, 3, 4, 5, 6))).toEqual(["loaded1", "loaded3"]);
    expect(asked).toEqual(["undefined>1,2", "loaded1>3,4", "loaded3>5,6"]);
    expect(cache.blocks).toBe(2);
    expect(found(ids(1, 2, 0))).toEqual(["loaded1"]);
    expect(asked.length).toBe(3);
  });
});

describe("what goes", () => {
  test("the least recently used chain, from its end; blocks that are held stay", () => {
    const { cache, dropped, store } = setUp({ blocks: 3 });
    store("a", ids(1, 2, 3, 4));
    store("b", ids(5, 6));
    const held = cache.match(ids(5, 6, 0));
    store("c", ids(7, 8));
    store("d", ids(9, 10));
    expect(dropped).toEqual(["a1", "a0"]);
    cache.letGo(held.blocks);
    store("e", ids(11, 12));
    store("f", ids(13, 14));
    expect(dropped).toEqual(["a1", "a0", "c0", "d0"]); // b was used again
  });

  test("a conversation that comes back stays, however many short requests pass", () => {
    const { store, match } = setUp({ blocks: 100 });
    const chat = run(1000, 140); // 70 blocks
    store("chat", chat);
    expect(match(chat).length).toBe(139);
    for (let n = 0; n < 500; n++) store("side", ids(n, 1, 2, 3, 4, 5));
    expect(match(chat).length).toBe(139);
  });

  test("of a conversation larger than its share the end goes, and no more than that", () => {
    const { store, match } = setUp({ blocks: 100 });
    const chat = run(1000, 198);
    store("chat", chat);
    match(chat);
    for (let n = 0; n < 500; n++) store("side", ids(n, 1, 2, 3));
    expect(match(chat).length).toBe(160);
  });

  test("what was used again long ago gives way to what is used again now", () => {
    const { store, match } = setUp({ blocks: 10 });
    store("old", run(100, 16));
    match(run(100, 16));
    store("a", run(200, 8));
    match(run(200, 8));
    store("b", run(300, 8));
    match(run(300, 8));
    expect([match(run(200, 8)).length, match(run(300, 8)).length]).toEqual([7, 7]);
    expect(match(run(100, 16)).length).toBeLessThan(15);
  });

  test("bytes, blocks and chains are limits of their own", () => {
    const bytes = setUp({ bytes: 5 }, { sizeOf: payload => payload.length });
    bytes.store("a", ids(1, 2));
    bytes.store("b", ids(3, 4));
    bytes.store("c", ids(5, 6));
    expect([bytes.cache.bytes, bytes.dropped]).toEqual([4, ["a0"]]);
    const chains = setUp({ chains: 2 });
    chains.store("a", ids(1, 2, 3, 4, 5, 6));
    chains.store("b", ids(1, 2, 7, 8));
    chains.store("c", ids(9, 9));
    expect([chains.cache.chains, chains.dropped]).toEqual([2, ["a2", "a1"]]);
  });

  test("a chain longer than the room is stored as far as it goes, and what was made for the rest is given back", () => {
    const { cache, dropped, store, match } = setUp({ blocks: 2 });
    store("a", run(1, 8));
    expect(cache.blocks).toBe(2);
    expect(dropped).toEqual(["a2", "a3"]);
    expect(match(run(1, 8)).length).toBe(4);
  });

  test("shrink drops as much as it must and says whether that was enough", () => {
    const { cache, store } = setUp();
    store("a", run(1, 20));
    const held = cache.match(run(1, 9));
    expect(cache.shrink(7)).toBe(true);
    expect(cache.bytes).toBe(7);
    expect(cache.shrink(2)).toBe(false);
    expect(cache.bytes).toBe(held.blocks.length);
    cache.letGo(held.blocks);
    expect(cache.shrink(0)).toBe(true);
  });

  test("clear drops all that nobody holds", () => {
    const { cache, dropped, store } = setUp();
    store("a", ids(1, 2, 3, 4));
    store("b", ids(5, 6));
    const held = cache.match(ids(1, 2, 3, 4, 0));
    expect(cache.clear()).toBe(1);
    cache.letGo(held.blocks);
    expect(cache.clear()).toBe(2);
    expect(dropped.sort()).toEqual(["a0", "a1", "b0"]);
    expect(cache.evictions).toBe(0);
  });
});

test("random walks: a match is always a true prefix, nothing held is dropped, every payload is dropped once", () => {
  for (let seed = 0; seed < 40; seed++) {
    const { below, next } = dice(seed);
    const alive = new Map<number, string>(); // payload → the ids it stands for
    let made = 0;
    const limits = { blocks: 1 + below(12), bytes: 4 + below(40), chains: 1 + below(6) };
    const sizes = new Map<number, number>();
    const cache = new PrefixCache<number>({
      blockSize: 3,
      limits,
      sizeOf: payload => sizes.get(payload)!,
      dropped: payload => expect(alive.delete(payload)).toBe(true),
    });
    const held: ReturnType<typeof cache.match>[] = [];
    const random = (): Uint32Array => Uint32Array.from({ length: 1 + below(15) }, () => below(2));
    for (let step = 0; step < 400; step++) {
      const prompt = random();
      if (next() < 0.5) {
        const make = (from: number, blocks: readonly Uint32Array[]) =>
          blocks.map((part, n) => {
            alive.set(++made, prompt.slice(0, from + n * 3 + part.length).join());
            sizes.set(made, part.length);
            return made;
          });
        cache.insert(prompt, make, next() < 0.5);
      } else {
        const match = cache.match(prompt);
        let end = 0;
        for (const block of match.blocks) {
          const spelled = alive.get(block.payload)!.split(",");
          end = spelled.length;
          expect(spelled.slice(0, match.length).join()).toBe(prompt.slice(0, Math.min(end, match.length)).join());
        }
        expect(end).toBeGreaterThanOrEqual(match.length);
        expect(match.length).toBeLessThan(prompt.length);
        held.push(match);
      }
      if (held.length > 3) cache.letGo(held.splice(below(held.length), 1)[0]!.blocks);
      if (next() < 0.01) cache.shrink(below(20));
      cache.check();
      for (const { blocks } of held) for (const block of blocks) expect(alive.has(block.payload)).toBe(true);
    }
    for (const { blocks } of held) cache.letGo(blocks);
    cache.clear();
    expect(cache.blocks).toBe(0);
    expect(alive.size).toBe(0);
  }
});

describe("an exchanged payload", () => {
  const sizes = { sizeOf: (payload: string) => payload.length };

  test("takes the old one's place at the end of the ids, and nowhere else", () => {
    const { cache, dropped, store, found } = setUp();
    store("a", ids(1, 2, 3, 4, 5), true);
    cache.exchange(ids(1, 2, 3, 4), payload => `${payload}!`);
    cache.exchange(ids(1, 2, 3, 4, 5), payload => `${payload}?`);
    for (const values of [ids(1, 2, 3), ids(1, 2, 9, 9), ids(7, 8), ids(1, 2, 3, 4, 5, 6)]) cache.exchange(values, () => "never");
    cache.exchange(ids(1, 2), () => undefined);
    cache.check();
    expect(found(ids(1, 2, 3, 4, 5, 6))).toEqual(["a0", "a1!", "a2?"]);
    expect(dropped).toEqual(["a1", "a2"]);
  });

  test("counts with its size, also when the block was used again", () => {
    const { cache, store, match } = setUp({}, sizes);
    store("a", ids(1, 2, 3, 4));
    match(ids(1, 2, 3, 4, 5));
    cache.exchange(ids(1, 2, 3, 4), () => "larger");
    cache.check();
    expect(cache.bytes).toBe(2 + 6);
  });

  test("makes others go, and goes itself when there is no room beside its own chain", () => {
    const { cache, dropped, store, found } = setUp({ bytes: 8 }, sizes);
    store("a", ids(1, 2, 3, 4));
    store("b", ids(5, 6));
    cache.exchange(ids(1, 2, 3, 4), () => "six...");
    cache.check();
    expect([dropped, found(ids(1, 2, 3, 4, 5))]).toEqual([
      ["b0", "a1"],
      ["a0", "six..."],
    ]);
    cache.exchange(ids(1, 2, 3, 4), () => "seven..");
    cache.check();
    expect([dropped, found(ids(1, 2, 3, 4, 5))]).toEqual([
      ["b0", "a1", "seven.."],
      ["a0", "six..."],
    ]);
  });
});
