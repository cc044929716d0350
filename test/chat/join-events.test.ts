import { expect, test } from "bun:test";
import { joinEvents } from "../../src/chat/join-events.ts";
import { runCompletion } from "../../src/chat/run.ts";
import type { ChatEvent, TextLogprob } from "../../src/chat/types.ts";
import { collect, completion, generation, openTestService } from "./service.ts";

const choice = 0;
const text = (text: string, ...tokens: string[]): ChatEvent => ({
  type: "text",
  choice,
  text,
  ...(tokens.length > 0 && { logprobs: tokens.map(token) }),
});
const reasoning = (text: string): ChatEvent => ({ type: "reasoning", choice, text });
const call = (index: number): ChatEvent => ({ type: "tool-call", choice, index, id: `${index}`, name: "f" });
const part = (index: number, text: string): ChatEvent => ({ type: "tool-arguments", choice, index, text });
const token = (text: string): TextLogprob => ({ token: null, text, bytes: new Uint8Array(), top: [] });
const logprobs = (...texts: string[]): ChatEvent => ({ type: "logprobs", choice, tokens: texts.map(token) });

test("texts that follow each other become one, and have their likelihoods with them", () => {
  expect(joinEvents([text("a"), logprobs("a"), text("b"), logprobs("b"), text("c")])).toEqual([text("abc", "a", "b")]);
  expect(joinEvents([logprobs("x"), text("a"), logprobs("a"), text("b")])).toEqual([logprobs("x"), text("ab", "a")]);
  expect(joinEvents([reasoning("a"), logprobs("a"), call(0), logprobs("b")])).toEqual([
    { ...reasoning("a"), logprobs: [token("a")] } as ChatEvent,
    call(0),
    logprobs("b"),
  ]);
});

test("reasoning, text and calls stay apart and in order", () => {
  const events = [reasoning("r"), reasoning("s"), text("a"), call(0), part(0, "{"), part(0, "}"), call(1), part(1, "{}"), text("b")];
  expect(joinEvents(events)).toEqual([reasoning("rs"), text("a"), call(0), part(0, "{}"), call(1), part(1, "{}"), text("b")]);
  expect(joinEvents([part(0, "x"), part(1, "y")])).toEqual([part(0, "x"), part(1, "y")]);
  expect(joinEvents([])).toEqual([]);
});

test("ids that come together are one piece of text", async () => {
  const events = async (logprobs?: number) => {
    const { service } = openTestService({ says: "hello there, hello again", script: { steps: [4] } });
    const wishes = { generation: generation(logprobs === undefined ? {} : { logprobs }) };
    return (await collect(runCompletion(service, completion(wishes), new AbortController().signal))).map(({ type }) => type);
  };
  const length = openTestService().ids("hello there, hello again").length;
  const rows = Array.from({ length: Math.ceil(length / 4) });
  expect(length).toBeGreaterThan(4);
  expect(await events()).toEqual(["start", ...rows.map(() => "text" as const), "finish"]);
  expect(await events(1)).toEqual(["start", ...rows.map(() => "text" as const), "finish"]);
});
