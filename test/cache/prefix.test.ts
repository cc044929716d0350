import { describe, expect, test } from "bun:test";
import { PrefixCache } from "../../src/cache/prefix.ts";
import { dice } from "../helpers/sequences.ts";

const ids = (...values: number[]): Uint32Array => Uint32Array.from(values);

function setUp(maxBlocks = 100) {
  const dropped: string[] = [];
  const cache = new PrefixCache<string>(2, maxBlocks, payload => void dropped.push(payload));
  const store = (name: string, values: Uint32Array): void => cache.insert(values, n => `${name}${n}`);
  const found = (values: Uint32Array): string[] => {
    const chain = cache.match(values);
    cache.letGo(chain);
    return chain.map(block => block.payload);
  };
  return { cache, dropped, store, found };
}

describe("prefix cache", () => {
  test("a prompt finds the longest stored chain and keeps one id to read", () => {
    const { store, found } = setUp();
    store("a", ids(1, 2, 3, 4, 5));
    expect(found(ids(1, 2, 3, 4, 9))).toEqual(["a0", "a1"]);
    expect(found(ids(1, 2, 3, 4))).toEqual(["a0"]); // the last id must be read to give logits
    expect(found(ids(1, 2, 9, 4, 5))).toEqual(["a0"]);
    expect(found(ids(2, 2, 3, 4, 5))).toEqual([]);
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
    expect(cache.size).toBe(3);
    expect(found(ids(1, 2, 5, 6, 0))).toEqual(["a0", "b1"]);
  });

  test("the least recently used leaf goes first, and blocks that are held stay", () => {
    const { cache, dropped, store, found } = setUp(3);
    store("a", ids(1, 2, 3, 4));
    store("b", ids(5, 6));
    const held = cache.match(ids(5, 6, 0));
    found(ids(1, 2, 0));
    store("c", ids(7, 8));
    expect(dropped).toEqual(["a1"]);
    store("d", ids(9, 10));
    expect(dropped).toEqual(["a1", "a0"]);
    cache.letGo(held);
    store("e", ids(11, 12));
    expect(dropped).toEqual(["a1", "a0", "b0"]);
  });

  test("a chain longer than the room is stored as far as it goes", () => {
    const { cache, store, found } = setUp(2);
    store("a", ids(1, 2, 3, 4, 5, 6, 7, 8));
    expect(cache.size).toBe(2);
    expect(found(ids(1, 2, 3, 4, 5, 6, 7, 8))).toEqual(["a0", "a1"]);
  });

  test("clear drops all that nobody holds", () => {
    const { cache, dropped, store } = setUp();
    store("a", ids(1, 2, 3, 4));
    store("b", ids(5, 6));
    const held = cache.match(ids(1, 2, 3, 4, 0));
    expect(cache.clear()).toBe(1);
    cache.letGo(held);
    expect(cache.clear()).toBe(2);
    expect(dropped.sort()).toEqual(["a0", "a1", "b0"]);
  });

  test("random walks: a match is always a true prefix, nothing held is dropped, every payload is dropped once", () => {
    for (let seed = 0; seed < 30; seed++) {
      const { below, next } = dice(seed);
      const alive = new Map<number, string>(); // payload → the ids it stands for
      let made = 0;
      const cache = new PrefixCache<number>(3, 1 + below(12), payload => expect(alive.delete(payload)).toBe(true));
      const held: ReturnType<typeof cache.match>[] = [];
      const random = (): Uint32Array => Uint32Array.from({ length: 1 + below(15) }, () => below(2));
      for (let step = 0; step < 300; step++) {
        const prompt = random();
        if (next() < 0.5) {
          cache.insert(prompt, n => {
            alive.set(++made, prompt.slice(0, (n + 1) * 3).join());
            return made;
          });
        } else {
          const chain = cache.match(prompt);
          chain.forEach((block, n) => expect(alive.get(block.payload)).toBe(prompt.slice(0, (n + 1) * 3).join()));
          held.push(chain);
        }
        if (held.length > 3) cache.letGo(held.splice(below(held.length), 1)[0]!);
        cache.check();
        for (const chain of held) for (const block of chain) expect(alive.has(block.payload)).toBe(true);
      }
      for (const chain of held) cache.letGo(chain);
      cache.clear();
      expect(cache.size).toBe(0);
      expect(alive.size).toBe(0);
    }
  });
});
