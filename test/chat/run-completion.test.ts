import { describe, expect, test } from "bun:test";
import { likelihoodsOf } from "../../src/chat/join-events.ts";
import { runCompletion } from "../../src/chat/run.ts";
import { ApiError } from "../../src/chat/error.ts";
import type { CompletionRequest } from "../../src/chat/types.ts";
import { fakeLogprob } from "../helpers/fake-engine.ts";
import { sentencePiece } from "../tokenizer/fixtures.ts";
import { collect, completion, fold, generation, openTestService, type Setup } from "./service.ts";

const never = new AbortController().signal;

async function run(setup: Setup, request: Partial<CompletionRequest> = {}) {
  const opened = openTestService(setup);
  const events = await collect(runCompletion(opened.service, completion(request), never));
  return { ...opened, events, said: fold(events), logprobs: events.flatMap(event => likelihoodsOf(event) ?? []) };
}

describe("a completion", () => {
  test("goes on from the prompt, without template or parsers", async () => {
    const says = " <think>x</think> <tool_call>";
    const { said, engine, ids } = await run({ says }, { prompts: ["hello"] });
    expect([...engine.sequences[0]!.request.prompt]).toEqual(ids("hello"));
    expect(said[0]).toMatchObject({ text: says, reasoning: "", calls: [], finish: { reason: "stop" } });
  });

  test("of several prompts has the choices of each side by side", async () => {
    const { said, engine, ids } = await run({ says: ["a", "b", "c", "d"] }, { prompts: ["hello", [104, 105]], choices: 2 });
    expect(engine.sequences.map(({ request }) => [...request.prompt])).toEqual([ids("hello"), ids("hello"), [104, 105], [104, 105]]);
    expect(said.map(({ text }) => text)).toEqual(["a", "b", "c", "d"]);
    expect(new Set(engine.sequences.map(({ request }) => request.sampling.seed)).size).toBe(4);
  });

  test("keeps the space between prompt and answer, and begins as the model expects", async () => {
    const files = { "tokenizer.json": sentencePiece(), "tokenizer_config.json": { eos_token: "</s>" } };
    const { service } = openTestService({ files });
    const hello = service.tokenizer.idOf("▁hello")!;
    const { said, engine } = await run({ files, says: "", script: { ids: [hello] } }, { prompts: ["hello"], echo: true });
    expect([...engine.sequences[0]!.request.prompt]).toEqual([1, hello]);
    expect(said[0]!.text).toBe("hello hello");
  });

  test("can repeat its prompt", async () => {
    const { said, ids } = await run({ says: "lo" }, { prompts: ["hel", [104, 105]], echo: true });
    expect(said.map(({ text }) => text)).toEqual(["hello", "hilo"]);
    expect(said[0]!.finish?.usage).toMatchObject({ promptTokens: ids("hel").length, completionTokens: ids("lo").length + 1 });
  });

  test("can be nothing but its prompt", async () => {
    const { said, engine } = await run({ says: "x" }, { prompts: ["hello"], echo: true, generation: generation({ maxTokens: 0 }) });
    expect(said[0]).toMatchObject({ text: "hello", finish: { reason: "length", usage: { completionTokens: 0 } } });
    expect(engine.sequences[0]!.request.maxTokens).toBe(0);
  });
});

describe("likelihoods", () => {
  test("have the place of each token in the text, in code points", async () => {
    const { logprobs, said } = await run({ says: "é🙂a" }, { generation: generation({ logprobs: 1 }) });
    expect(said[0]!.text).toBe("é🙂a");
    expect(logprobs.map(({ text, offset }) => [text, offset])).toEqual([
      ["é", 0],
      ["\\xf0\\x9f", 1],
      ["\\x99\\x82", 1],
      ["a", 2],
    ]);
  });

  test("of a repeated prompt begin with a token that has none", async () => {
    const request = { prompts: ["a🙂b"], echo: true, promptLogprobs: 2, generation: generation({ logprobs: 2 }) };
    const { logprobs, engine, ids } = await run({ says: "c" }, request);
    expect(engine.sequences[0]!.request.promptLogprobs).toBe(2);
    expect(logprobs.map(({ text, offset }) => [text, offset])).toEqual([
      ["a", 0],
      ["\\xf0\\x9f", 1],
      ["\\x99\\x82", 1],
      ["b", 2],
      ["c", 3],
    ]);
    expect(logprobs.map(({ token }) => token)).toEqual([null, ...ids("🙂b").map(id => fakeLogprob(id, 2)), fakeLogprob(99, 2)]);
  });

  test("of the prompt are not asked for without echo", async () => {
    const { engine } = await run({ says: "c" }, { promptLogprobs: 2 });
    expect(engine.sequences[0]!.request.promptLogprobs).toBeUndefined();
  });
});

describe("a completion that cannot be run", () => {
  const refusal = async (request: Partial<CompletionRequest>, setup: Setup = {}) => {
    const { service, engine } = openTestService(setup);
    const error: unknown = await collect(runCompletion(service, completion(request), never)).catch((reason: unknown) => reason);
    expect(engine.sequences).toEqual([]);
    if (!(error instanceof ApiError)) throw error;
    return [error.status, error.code, error.param];
  };

  test("has ids that are none of the vocabulary", async () => {
    for (const id of [-1, 1.5, 1_000_000, NaN]) expect(await refusal({ prompts: ["a", [1, id]] })).toEqual([400, "invalid_token_id", "prompt"]);
  });

  test("is empty", async () => {
    expect(await refusal({ prompts: [""] })).toEqual([400, "empty_prompt", "prompt"]);
    expect(await refusal({ prompts: [[]] })).toEqual([400, "empty_prompt", "prompt"]);
  });

  test("leaves no room for an answer", async () => {
    const engine = { info: { contextLength: 3 } };
    expect(await refusal({ prompts: [[1, 2, 3]] }, { engine })).toEqual([400, "context_length_exceeded", "prompt"]);
    const read = await run({ engine }, { prompts: [[1, 2, 3]], generation: generation({ maxTokens: 0 }) });
    expect(read.said[0]!.finish?.reason).toBe("length");
  });
});
