import { beforeAll, describe, expect, test } from "bun:test";
import type { Sampling } from "../../src/engine/protocol.ts";
import * as mx from "../../src/mx/index.ts";
import { gatherLogprobs, readLogprobs } from "../../src/sampling/logprobs.ts";
import { SamplerRow } from "../../src/sampling/row.ts";
import { sample } from "../../src/sampling/sampler.ts";
import { uniform } from "../../src/sampling/uniform.ts";
import { openForTests } from "../helpers/mx.ts";
import { greedy } from "../../src/sampling/greedy.ts";
import { dice } from "../helpers/sequences.ts";

const VOCAB = 50;

beforeAll(openForTests);

function row(sampling: Partial<Sampling>, options: { minTokens?: number; stopIds?: number[]; prompt?: number[] } = {}): SamplerRow {
  const { minTokens = 0, stopIds = [], prompt = [] } = options;
  return new SamplerRow({ sampling: { ...greedy, ...sampling }, minTokens, stopIds, logprobs: undefined }, VOCAB, Uint32Array.from(prompt));
}

/** Draws once for all rows from the given logits. */
function draw(logits: number[][], rows: SamplerRow[]): number[] {
  return mx.scope(() => Array.from(mx.toUint32(sample(mx.fromArray(Float32Array.from(logits.flat()), [rows.length, VOCAB]), rows).ids)));
}

function randomLogits(seed: number): number[] {
  const { next } = dice(seed);
  return Array.from({ length: VOCAB }, () => (next() - 0.5) * 10);
}

/** The distribution after temperature and truncation, computed the plain way. */
function distribution(logits: number[], { temperature, topP, topK, minP }: Sampling): number[] {
  const highest = Math.max(...logits);
  const weights = logits.map(l => Math.exp((l - highest) / temperature));
  const total = weights.reduce((a, b) => a + b);
  const order = weights.map((w, id) => ({ id, p: w / total })).sort((a, b) => b.p - a.p);
  const kept = new Array<number>(VOCAB).fill(0);
  let before = 0;
  order.forEach(({ id, p }, rank) => {
    if (rank === 0 || (before < topP && (topK === 0 || rank < topK) && p >= minP * order[0]!.p)) kept[id] = p;
    before += p;
  });
  const mass = kept.reduce((a, b) => a + b);
  return kept.map(p => p / mass);
}

describe("sampler", () => {
  test("temperature 0 takes the likeliest id", () => {
    const logits = randomLogits(1);
    expect(draw([logits], [row({})])).toEqual([logits.indexOf(Math.max(...logits))]);
  });

  for (const [name, sampling] of Object.entries({
    "temperature alone": { temperature: 0.8 },
    "top-p": { temperature: 1, topP: 0.7 },
    "top-k": { temperature: 1.5, topK: 5 },
    "min-p": { temperature: 1.2, minP: 0.1 },
    "all three": { temperature: 1.3, topP: 0.8, topK: 10, minP: 0.05 },
  })) {
    test(`${name}: drawn ids follow the distribution and nothing else is drawn`, () => {
      const logits = randomLogits(2);
      const expected = distribution(logits, { ...greedy, ...sampling });
      const counts = new Array<number>(VOCAB).fill(0);
      const draws = 4000;
      for (let at = 0; at < draws; at += 200) {
        const rows = Array.from({ length: 200 }, (_, i) => row({ ...sampling, seed: at + i }));
        for (const id of draw(
          rows.map(() => logits),
          rows,
        ))
          counts[id]! += 1;
      }
      counts.forEach((count, id) => {
        if (expected[id] === 0) expect(count).toBe(0);
        const deviation = Math.sqrt(draws * expected[id]! * (1 - expected[id]!));
        expect(Math.abs(count - draws * expected[id]!)).toBeLessThan(5 * deviation + 1);
      });
    });
  }

  test("a row draws the same alone and among rows of every other kind", () => {
    const kinds: Partial<Sampling>[] = [
      {},
      { temperature: 0.9, seed: 3 },
      { temperature: 0.7, topP: 0.8, seed: 4 },
      { temperature: 1, topK: 3, seed: 5, frequencyPenalty: 0.5 },
      { repetitionPenalty: 1.3 },
      { logitBias: [[7, 4]] },
      { temperature: 1.1, minP: 0.02, presencePenalty: 1, seed: 8 },
    ];
    const logits = kinds.map((_, i) => randomLogits(10 + i));
    const together = kinds.map(k => row(k, { prompt: [1, 2] }));
    const alone = kinds.map(k => row(k, { prompt: [1, 2] }));
    for (let step = 0; step < 6; step++) {
      const batch = draw(logits, together);
      expect(batch).toEqual(alone.map((one, i) => draw([logits[i]!], [one])[0]!));
    }
  });

  test("the same seed draws the same ids, another seed others", () => {
    const logits = randomLogits(3);
    const run = (seed: number): number[] => {
      const one = row({ temperature: 1.5, seed });
      return Array.from({ length: 12 }, () => draw([logits], [one])[0]!);
    };
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  test("the inverse of the cumulative sum is taken: a draw just below an id's edge gives that id", () => {
    const logits = new Array<number>(VOCAB).fill(-Infinity);
    logits[4] = Math.log(0.25);
    logits[9] = Math.log(0.75);
    const one = row({ temperature: 1, seed: 6 });
    const expected = Array.from({ length: 20 }, (_, i) => (uniform(6, i) < 0.25 ? 4 : 9));
    expect(Array.from({ length: 20 }, () => draw([logits], [one])[0]!)).toEqual(expected);
  });

  test("penalties count what was drawn and change the next choice as documented", () => {
    const logits = new Array<number>(VOCAB).fill(0);
    [logits[1], logits[2], logits[3]] = [3, 2.5, 2];
    const frequency = row({ frequencyPenalty: 0.4 }); // 3, then 2.6, then 2.2 < 2.5
    expect([0, 1, 2, 3].map(() => draw([logits], [frequency])[0]!)).toEqual([1, 1, 2, 1]);
    const presence = row({ presencePenalty: 0.8 }); // 1 falls to 2.2, 2 to 1.7: 3 follows, then 1 again
    expect([0, 1, 2, 3].map(() => draw([logits], [presence])[0]!)).toEqual([1, 2, 1, 1]);
    const repetition = row({ repetitionPenalty: 2 }, { prompt: [1] }); // the prompt counts: 3 / 2 = 1.5
    expect([0, 1, 2].map(() => draw([logits], [repetition])[0]!)).toEqual([2, 3, 1]);
  });

  test("logit bias forces and forbids ids, and several for one id add up", () => {
    const logits = randomLogits(4);
    const best = logits.indexOf(Math.max(...logits));
    expect(
      draw(
        [logits],
        [
          row({
            logitBias: [
              [13, 50],
              [13, 50],
            ],
          }),
        ],
      ),
    ).toEqual([13]);
    expect(draw([logits], [row({ logitBias: [[best, -100]] })])).not.toEqual([best]);
  });

  test("stop ids cannot be drawn before minTokens", () => {
    const logits = randomLogits(5);
    const best = logits.indexOf(Math.max(...logits));
    const one = row({}, { minTokens: 2, stopIds: [best] });
    const ids = [0, 1, 2].map(() => draw([logits], [one])[0]!);
    expect(ids.map(id => id === best)).toEqual([false, false, true]);
  });

  test("log-probabilities are those of the softmax, with the likeliest alternatives first", () => {
    const logits = randomLogits(6);
    const total = Math.log(logits.reduce((sum, l) => sum + Math.exp(l), 0));
    const [token] = mx.scope(() => {
      const ids = mx.fromArray(Uint32Array.of(17), [1]);
      return readLogprobs(gatherLogprobs(mx.fromArray(Float32Array.from(logits), [1, VOCAB]), ids, 3), Uint32Array.of(17));
    });
    const order = logits.map((l, id) => [id, l - total] as const).sort((a, b) => b[1] - a[1]);
    expect(token!.id).toBe(17);
    expect(token!.logprob).toBeCloseTo(logits[17]! - total, 4);
    expect(token!.top.map(([id]) => id)).toEqual(order.slice(0, 3).map(([id]) => id));
    token!.top.forEach(([, value], i) => expect(value).toBeCloseTo(order[i]![1], 4));
  });

  test("released rows leave no handle behind", () => {
    const before = mx.liveHandles();
    const one = row({ frequencyPenalty: 1, repetitionPenalty: 2, logitBias: [[1, 1]] }, { minTokens: 3, stopIds: [2], prompt: [4] });
    for (let i = 0; i < 5; i++) draw([randomLogits(i)], [one]);
    one.release();
    expect(mx.liveHandles()).toBe(before);
  });
});
