import { describe, expect, test } from "bun:test";
import { findRepetition } from "../../src/scheduler/repetition.ts";
import { Sequence } from "../../src/scheduler/sequence.ts";
import { dice, submission } from "../helpers/sequences.ts";

const repeat = (pattern: readonly number[], times: number): number[] => Array.from({ length: times }, () => pattern).flat();

describe("a repetition is found", () => {
  const cases: [ids: number[], safe: string | undefined, strict: string | undefined][] = [
    [[], undefined, undefined],
    [repeat([5], 3), undefined, undefined],
    [repeat([5], 4), undefined, "single_token_run"],
    [repeat([5], 7), undefined, "single_token_run"],
    [repeat([5], 8), "single_token_run", "single_token_run"],
    [[...repeat([5], 9), 6], undefined, undefined],
    [repeat([1, 2], 4), undefined, "pattern_loop_len_2"],
    [[9, ...repeat([1, 2], 6)], "pattern_loop_len_2", "pattern_loop_len_2"],
    [repeat([1, 2, 3], 6), "pattern_loop_len_3", "pattern_loop_len_3"],
    [repeat([1, 2, 3, 4], 6), "pattern_loop_len_4", "pattern_loop_len_4"],
    [repeat([1, 2, 3, 4, 5], 6), undefined, "pattern_loop_len_5"],
    [repeat([1, 2, 3, 4, 5, 6], 4), undefined, "pattern_loop_len_6"],
    [repeat([1, 2, 3, 4, 5, 6, 7], 6), undefined, undefined],
  ];
  test.each(cases)("at the end of %j", (ids, safe, strict) => {
    expect(findRepetition(ids, "safe")).toBe(safe);
    expect(findRepetition(ids, "strict")).toBe(strict);
  });

  test("at the same place by a look at all of the answer", () => {
    const { below } = dice(4);
    for (let walk = 0; walk < 300; walk++) {
      const ids = Array.from({ length: below(60) }, () => below(2));
      const naive = [1, 2, 3, 4].find(length => {
        const times = length === 1 ? 8 : 6;
        const end = ids.slice(-length);
        return ids.length >= length * times && repeat(end, times).every((id, i) => id === ids.slice(-length * times)[i]);
      });
      const expected = naive === undefined ? undefined : naive === 1 ? "single_token_run" : `pattern_loop_len_${naive}`;
      expect(findRepetition(ids, "safe")).toBe(expected);
    }
  });
});

describe("a sequence", () => {
  const written = (ids: readonly number[], fields: Parameters<typeof submission>[1]): Sequence => {
    const sequence = new Sequence(submission(1, { maxTokens: 100, ...fields }), 1000);
    for (const id of ids) if (sequence.finish === undefined) sequence.record(id);
    return sequence;
  };

  test("ends where it repeats, and says how", () => {
    const sequence = written(repeat([7], 20), { repetition: "safe" });
    expect([sequence.answer.length, sequence.finish, sequence.repetition]).toEqual([8, "stop", "single_token_run"]);
  });

  test("goes on where nobody looks, and as long as it must", () => {
    expect(written(repeat([7], 20), {}).finish).toBeUndefined();
    expect(written(repeat([7], 20), { repetition: "strict", minTokens: 15 }).answer.length).toBe(15);
  });

  test("that stops by itself at the same id has not repeated", () => {
    expect(written(repeat([7], 8), { repetition: "strict", maxTokens: 4 })).toMatchObject({ finish: "length", repetition: undefined });
  });
});
