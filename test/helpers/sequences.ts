// Submissions with every field filled in, for tests of the engine's parts.
import type { Submit } from "../../src/engine/protocol.ts";
import { greedy } from "../../src/sampling/greedy.ts";

export function submission(id: number, fields: Partial<Omit<Submit, "type" | "id">> = {}): Submit {
  return { type: "submit", id, prompt: Uint32Array.of(1, 2, 3), sampling: greedy, maxTokens: 4, minTokens: 0, stopIds: [], ...fields };
}

/** A small seeded generator for random walks (mulberry32); the same seed gives the same walk. */
export function dice(seed: number): { next(): number; below(n: number): number; pick<T>(list: readonly T[]): T } {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return { next, below, pick: list => list[below(list.length)]! };
}
