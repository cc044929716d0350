import { beforeAll, describe, expect, test } from "bun:test";
import type { ThinkingBudget } from "../../src/engine/protocol.ts";
import * as mx from "../../src/mx/index.ts";
import { SamplerRow } from "../../src/sampling/row.ts";
import { sample } from "../../src/sampling/sampler.ts";
import { openForTests } from "../helpers/mx.ts";
import { greedy } from "../../src/sampling/greedy.ts";
import { dice } from "../helpers/sequences.ts";

const VOCAB = 12;
const OPEN = 1;
const CLOSE = 2;

beforeAll(openForTests);

const limited = (changes: Partial<ThinkingBudget> = {}): ThinkingBudget => ({
  budget: 3,
  startsOpen: true,
  openIds: [OPEN],
  closeId: CLOSE,
  ending: [CLOSE],
  ...changes,
});

function rowWith(thinking: ThinkingBudget | undefined, answer: readonly number[] = []): SamplerRow {
  return new SamplerRow({ sampling: greedy, minTokens: 0, stopIds: [], logprobs: undefined, thinking }, VOCAB, Uint32Array.of(), answer);
}

/** What rows write that want to write these texts, id by id. */
function write(wanted: readonly (readonly number[])[], rows: readonly SamplerRow[]): number[][] {
  const written: number[][] = rows.map(() => []);
  for (let at = 0; at < wanted[0]!.length; at++) {
    const logits = Float32Array.from(wanted.flatMap(ids => Array.from({ length: VOCAB }, (_, id) => (id === ids[at] ? 5 : 0))));
    const ids = mx.scope(() => mx.toUint32(sample(mx.fromArray(logits, [rows.length, VOCAB]), rows).ids));
    ids.forEach((id, row) => written[row]!.push(id));
  }
  return written;
}

function writeAlone(wanted: readonly number[], thinking: ThinkingBudget | undefined, answer: readonly number[] = []): number[] {
  const row = rowWith(thinking, answer);
  const [written] = write([wanted], [row]);
  row.release();
  return written!;
}

describe("a row with a budget", () => {
  test("writes the ending once it is used up, and goes on as it likes", () => {
    expect(writeAlone([5, 6, 7, 8, 9], limited())).toEqual([5, 6, 7, CLOSE, 9]);
    expect(writeAlone([5, 6, 7, 8, 9, 4, 3], limited({ ending: [10, CLOSE, 11] }))).toEqual([5, 6, 7, 10, CLOSE, 11, 3]);
  });

  test("is left alone when it ends by itself, also at the last moment", () => {
    expect(writeAlone([5, CLOSE, 7, 8, 9, 9], limited())).toEqual([5, CLOSE, 7, 8, 9, 9]);
    expect(writeAlone([5, 6, 7, CLOSE, 9], limited())).toEqual([5, 6, 7, CLOSE, 9]);
    expect(writeAlone([5, 6, CLOSE, 7, 9], limited())).toEqual([5, 6, CLOSE, 7, 9]);
  });

  test("has no budget to count before it begins to think", () => {
    expect(writeAlone([5, 6, 7, 8, 9, 9], limited({ startsOpen: false }))).toEqual([5, 6, 7, 8, 9, 9]);
    expect(writeAlone([OPEN, 6, 7, 8, 9, 9], limited({ startsOpen: false }))).toEqual([OPEN, 6, 7, 8, CLOSE, 9]);
  });

  test("begins to think with several ids in a row", () => {
    const channels = limited({ startsOpen: false, openIds: [OPEN, 4], budget: 1 });
    expect(writeAlone([OPEN, 3, 4, OPEN, OPEN, 4, 5, 6, 7], channels)).toEqual([OPEN, 3, 4, OPEN, OPEN, 4, 5, CLOSE, 7]);
  });

  test("spends it over the whole answer", () => {
    expect(writeAlone([5, CLOSE, 9, OPEN, 6, 7, 8, 9], limited())).toEqual([5, CLOSE, 9, OPEN, 6, 7, CLOSE, 9]);
    expect(writeAlone([5, 6, 7, 8, OPEN, 9, 9], limited())).toEqual([5, 6, 7, CLOSE, OPEN, CLOSE, 9]);
  });

  test("of nothing does not think at all", () => {
    expect(writeAlone([5, 6], limited({ budget: 0 }))).toEqual([CLOSE, 6]);
  });

  test("goes on where it was when it is made again", () => {
    const wanted = [5, 6, 7, 8, 9, OPEN, 4, 4];
    for (const limit of [limited({ ending: [10, CLOSE] }), limited({ budget: 5 }), limited({ startsOpen: false, openIds: [5, 6] })]) {
      const whole = writeAlone(wanted, limit);
      for (let cut = 1; cut < wanted.length; cut++) {
        const answer = whole.slice(0, cut);
        expect([...answer, ...writeAlone(wanted.slice(cut), limit, answer)]).toEqual(whole);
      }
    }
  });

  test("changes nothing for others, and they nothing for it", () => {
    const { below } = dice(3);
    for (let round = 0; round < 20; round++) {
      const limits = Array.from({ length: 4 }, (_, i) =>
        i === 1 ? undefined : limited({ budget: below(6), startsOpen: below(2) === 0, ending: below(2) === 0 ? [CLOSE] : [7, CLOSE] }),
      );
      const wanted = limits.map(() => Array.from({ length: 16 }, () => below(5)));
      const rows = limits.map(limit => rowWith(limit));
      const together = write(wanted, rows);
      rows.forEach(row => row.release());
      expect(together).toEqual(wanted.map((ids, i) => writeAlone(ids, limits[i])));
      expect(together[1]).toEqual(wanted[1]!);
    }
  });

  test("gives back what it holds", () => {
    const before = mx.liveHandles();
    writeAlone([5, 6, 7, 8], limited());
    expect(mx.liveHandles()).toBe(before);
  });
});
