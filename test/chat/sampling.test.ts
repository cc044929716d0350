// A request's wishes over the service's defaults.
import { expect, test } from "bun:test";
import { toSamplings } from "../../src/chat/sampling.ts";
import { generation, openTestService } from "./service.ts";

const { service } = openTestService();
const sampling = (wishes: object) => toSamplings(service, generation({ sampling: wishes }), 1)[0]!;

test("a temperature too small to divide by is greedy", () => {
  expect(sampling({ temperature: 1e-300 }).temperature).toBe(0);
  expect(sampling({ temperature: 0.01 }).temperature).toBe(0.01);
});

test.each([
  [0, 0],
  [4294967295, 4294967295],
  [4294967296, 1],
  [-1, 0],
  [2 ** 53, 2 ** 21],
])("seed %d becomes the 32-bit %d", (seed, folded) => {
  expect(sampling({ seed }).seed).toBe(folded);
});

test.each([
  [{ frequencyPenalty: 0.5 }, { frequencyPenalty: 0, repetitionPenalty: 1.5 }],
  [{ frequencyPenalty: -2 }, { frequencyPenalty: 0, repetitionPenalty: 0.01 }],
  [
    { frequencyPenalty: 0.5, repetitionPenalty: 1.2 },
    { frequencyPenalty: 0, repetitionPenalty: 1.2 },
  ],
  [{ presencePenalty: 0.5 }, { frequencyPenalty: 0, repetitionPenalty: 1, presencePenalty: 0.5 }],
])("in vllm-mlx's reading %j is %j", (wishes, expected) => {
  const other = openTestService({ options: { frequencyPenaltyMode: "repetition" } }).service;
  expect(toSamplings(other, generation({ sampling: wishes }), 1)[0]!).toMatchObject(expected);
  expect(sampling(wishes)).toMatchObject(wishes);
});
