// Phi-3.5-MoE beyond the shared suite: how experts are chosen, and what config.json is refused for.
import { beforeAll, expect, test } from "bun:test";
import { sparseMixer } from "../../src/models/phimoe.ts";
import * as mx from "../../src/mx/index.ts";
import { f32, openForTests } from "../helpers/mx.ts";
import { withConfig } from "./refused.ts";

beforeAll(openForTests);

/** expert and weight of each choice, of one token with these scores. */
function chosen(scores: readonly number[], count: number, nearness: number): [number, number][] {
  return mx.scope(() => {
    const [indices, weights] = sparseMixer(x => x, { chosen: count, nearness })(f32(scores, [1, scores.length]));
    const numbers = [...mx.toFloat32(weights)];
    return [...mx.toInt32(mx.astype(indices, "int32"))].map((index, i) => [index, numbers[i]!]);
  });
}

test("each choice is the best of those left, and counts by its share among those near to it", () => {
  const share = (of: number, among: readonly number[]) => Math.exp(of) / among.reduce((sum, x) => sum + Math.exp(x), 0);
  const expected: [number, number][] = [
    [1, share(2, [2, 1.9])], // 1.5 is a quarter below 2
    [3, share(1.9, [1.9, 1.5])], // and less than that below 1.9
    [0, 1],
  ];
  const found = chosen([1.5, 2, -3, 1.9], 3, 0.22);
  expect(found.map(([index]) => index)).toEqual([1, 3, 0]);
  found.forEach(([, weight], i) => expect(weight).toBeCloseTo(expected[i]![1], 6));
});

test("distance is a share of the larger of both, also below zero; with no nearness each choice counts whole", () => {
  // 1.5 lies behind -1 by 60 % of its own size.
  const [[first, weight]] = chosen([-1, -2.5], 1, 0.61) as [[number, number]];
  expect(first).toBe(0);
  expect(weight).toBeCloseTo(1 / (1 + Math.exp(-1.5)), 6);
  expect(chosen([-1, -2.5], 2, 0.59)).toEqual([
    [0, 1],
    [1, 1],
  ]);
  expect(chosen([3, 1, 2], 2, 0)).toEqual([
    [0, 1],
    [2, 1],
  ]);
});

test.each([
  [{ num_experts_per_tok: 9 }, "num_experts_per_tok is 9, more than num_local_experts 8"],
  [{ router_jitter_noise: -0.1 }, "router_jitter_noise is -0.1, less than 0"],
  [{ hidden_act: "gelu" }, 'hidden_act is "gelu", supported: silu'],
])("phimoe with %p", (fields, message) => {
  expect(withConfig("phimoe/plain", fields)).toContain(message);
});
