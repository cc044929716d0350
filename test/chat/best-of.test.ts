// Ranking of candidates by how likely their tokens are on average.
import { expect, test } from "bun:test";
import { pickBest } from "../../src/chat/best-of.ts";
import type { ChatEvent } from "../../src/chat/types.ts";
import { collect } from "./service.ts";

/** The events of one candidate per list: a text named after its place, its tokens' logprobs, and an end. */
async function* written(...candidates: number[][]): AsyncGenerator<ChatEvent> {
  const usage = { promptTokens: 5, cachedTokens: 0, completionTokens: 10, reasoningTokens: 0 };
  for (const [choice] of candidates.entries()) yield { type: "start", choice, promptTokens: 5, cachedTokens: 0 };
  for (const [choice, logprobs] of [...candidates.entries()].reverse()) {
    yield { type: "text", choice, text: String(choice) };
    for (const logprob of logprobs)
      yield { type: "logprobs", choice, tokens: [{ token: { id: 1, logprob, top: [] }, text: "x", bytes: new Uint8Array(), top: [] }] };
    yield { type: "finish", choice, reason: "stop", usage };
  }
}

const shown = async (events: AsyncIterable<ChatEvent>, choices: number, candidates: number, promptHasLogprobs = false) => {
  const all = await collect(pickBest(events, { choices, candidates, promptHasLogprobs }));
  const texts = all.flatMap(event => (event.type === "text" ? [[event.choice, event.text]] : []));
  const tokens = all.flatMap(event => (event.type === "finish" ? [event.usage.completionTokens] : []));
  return [texts, tokens];
};

test("the mean counts, not the sum", async () => {
  expect(await shown(written([-1], [-0.5, -0.5, -0.5], [-2]), 2, 3)).toEqual([
    [
      [0, "1"],
      [1, "0"],
    ],
    [20, 10],
  ]);
});

test("each prompt has its own candidates", async () => {
  expect(await shown(written([-1], [-0.5], [-0.1], [-3]), 1, 2)).toEqual([
    [
      [0, "1"],
      [1, "2"],
    ],
    [20, 20],
  ]);
});

test("equals keep their order, and one without a token is the last", async () => {
  expect((await shown(written([], [-1], [-1]), 2, 3))[0]).toEqual([
    [0, "1"],
    [1, "2"],
  ]);
});

test("an echoed prompt is no merit", async () => {
  expect((await shown(written([-9, -0.1], [0, -0.2]), 1, 2, true))[0]).toEqual([[0, "0"]]);
});
