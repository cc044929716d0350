import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { expertMlp, makeRouter, moe, readExperts, readGroups, type Routing } from "../../src/nn/index.ts";
import { Fields } from "../../src/weights/fields.ts";
import { failure } from "../helpers/checkpoints.ts";
import { f32, openForTests } from "../helpers/mx.ts";
import { random, withWeights } from "../weights/open.ts";

beforeAll(openForTests);
afterAll(() => expect(mx.liveHandles()).toBe(0));

const softmax = (x: readonly number[]): number[] => {
  const all = x.reduce((sum, value) => sum + Math.exp(value), 0);
  return x.map(value => Math.exp(value) / all);
};
const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0);

/** expert → weight, of one token with these logits. */
function routed(logits: readonly number[], routing: Routing, correction?: readonly number[]): Map<number, number> {
  return mx.scope(() => {
    const router = makeRouter(x => x, routing, correction && f32(correction));
    const [indices, weights] = router(f32(logits, [1, logits.length])).map(t => [...mx.toFloat32(t)]) as [number[], number[]];
    return new Map(indices.map((expert, i) => [expert, weights[i]!]));
  });
}

function expectWeights(found: Map<number, number>, expected: Record<number, number>): void {
  expect([...found.keys()].sort()).toEqual(Object.keys(expected).map(Number));
  for (const [expert, weight] of found) expect(weight).toBeCloseTo(expected[expert]!, 5);
}

describe("a router", () => {
  const logits = [0.5, 2, -1, 1.5];
  const two = { experts: 4, chosen: 2 } as const;

  test("weighs the chosen by their share of all, of the chosen, or by sigmoids", () => {
    const shares = softmax(logits);
    const [a, b] = [shares[1]!, shares[3]!];
    expectWeights(routed(logits, { ...two, score: "softmax" }), { 1: a, 3: b });
    expectWeights(routed(logits, { ...two, score: "softmax", isNormed: true }), { 1: a / (a + b), 3: b / (a + b) });
    expectWeights(routed(logits, { ...two, score: "softmaxOfChosen" }), { 1: a / (a + b), 3: b / (a + b) });
    const [c, d] = [1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(-1.5))];
    expectWeights(routed(logits, { ...two, score: "sigmoid", isNormed: true, factor: 2.5 }), { 1: (2.5 * c) / (c + d), 3: (2.5 * d) / (c + d) });
  });

  test("corrections decide who is chosen and do not count in the weights", () => {
    const shares = softmax(logits);
    expectWeights(routed(logits, { ...two, score: "softmax" }, [0, 0, 1, 0]), { 1: shares[1]!, 2: shares[2]! });
  });

  test("only the best groups are asked, by their best expert or their best two", () => {
    const three = [3, -4, -4, 2, 2, -3, 1, 1.5, 1.9]; // three groups of three: best are 3, 2 and 1.9; of the best two, the sums -1, 4 and 3.4
    const routing = { experts: 9, chosen: 1, score: "softmax" } as const;
    expect([...routed(three, { ...routing, groups: { count: 3, chosen: 1, by: 1 } }).keys()]).toEqual([0]);
    const sigmoids = { ...routing, chosen: 2, score: "sigmoid", groups: { count: 3, chosen: 1, by: 2 } } as const;
    expect([...routed(three, sigmoids).keys()].sort()).toEqual([3, 4]);
    expect(sum([...routed(three, { ...routing, groups: { count: 3, chosen: 3, by: 1 } }).keys()])).toBe(0);
  });

  test("fields that make no sense are refused", () => {
    const fails = (json: Record<string, unknown>, by: 1 | 2 = 2) =>
      failure(() => readGroups(new Fields(json), readExperts(new Fields(json), "n", "k"), by)).replace("CheckpointError: config.json: ", "");
    expect(fails({ n: 8, k: 9 })).toBe("k is 9, more than n 8");
    expect(fails({ n: 8, k: 2, n_group: 3 })).toBe("n_group is 3, which does not divide 8 experts into groups");
    expect(fails({ n: 8, k: 2, n_group: 8 })).toBe("n_group is 8, which does not divide 8 experts into groups");
    expect(fails({ n: 8, k: 2, n_group: 2, topk_group: 3 })).toBe("topk_group is 3, more than n_group 2");
    expect(fails({ n: 8, k: 5, n_group: 2, topk_group: 1 })).toBe("topk_group is 1: these groups have fewer than 5 experts");
  });
});

describe("a mixture", () => {
  const sizes = { experts: 4, hidden: 32, inner: 16 };
  const stored = () => ({
    "switch_mlp.gate_proj.weight": random([4, 16, 32], 1),
    "switch_mlp.up_proj.weight": random([4, 16, 32], 2),
    "switch_mlp.down_proj.weight": random([4, 32, 16], 3),
  });
  const bits = (t: mx.Tensor) => [...new Uint32Array(mx.toFloat32(t).buffer)];

  test("a token's numbers are the same alone, among few, and among so many that they are sorted by expert", () => {
    withWeights(stored, w => {
      const gate = w.constant(() => random([32, 4], 4));
      const layer = moe(
        makeRouter(x => mx.matmul(x, gate), { experts: 4, chosen: 2, score: "softmax" }),
        expertMlp(w, sizes),
      );
      const tokens = random([1, 50, 32], 5); // 100 rows for the experts: sorted
      const all = layer(tokens);
      for (const [from, to] of [
        [0, 1],
        [7, 8],
        [10, 30],
        [49, 50],
      ] as const)
        expect(bits(layer(mx.sliceAxis(tokens, 1, from, to)))).toEqual(bits(mx.sliceAxis(all, 1, from, to)));
    });
  });

  test("experts of equal score are chosen alike for every equal token", () => {
    withWeights(stored, w => {
      const router = makeRouter(x => mx.zeros([mx.shape(x)[0]!, 4], "float32"), { experts: 4, chosen: 2, score: "softmax" });
      const layer = moe(router, expertMlp(w, sizes));
      const token = random([1, 1, 32], 6);
      const many = bits(layer(mx.repeat(token, 40, 1)));
      const alone = bits(layer(token));
      for (let i = 0; i < 40; i++) expect(many.slice(i * 32, (i + 1) * 32)).toEqual(alone);
    });
  });
});
