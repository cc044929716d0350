import { describe, expect, test } from "bun:test";
import { ApiError } from "../../src/chat/error.ts";
import { likelihoodsOf } from "../../src/chat/join-events.ts";
import { runChat } from "../../src/chat/run.ts";
import type { ChatRequest, Tool } from "../../src/chat/types.ts";
import { EngineError } from "../../src/engine/error.ts";
import { until } from "../helpers/until.ts";
import { random } from "../parsers/cuts.ts";
import { byteLevel, chatTokens } from "../tokenizer/fixtures.ts";
import { chat, collect, fold, generation, openTestService, type Setup } from "./service.ts";

const never = new AbortController().signal;
const weather: Tool = { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } };
const call = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Zürich 🏔"}}\n</tool_call>';

async function run(setup: Setup, request: Partial<ChatRequest> = {}) {
  const opened = openTestService(setup);
  const events = await collect(runChat(opened.service, chat(request), never));
  return { ...opened, events, said: fold(events) };
}

describe("an answer", () => {
  test("is text, and ends when the model ends it", async () => {
    const { said, engine, events, ids } = await run({ says: "hello wörld 🙂" });
    expect(said[0]).toMatchObject({ text: "hello wörld 🙂", reasoning: "", calls: [], starts: 1 });
    const { prompt } = engine.sequences[0]!.request;
    expect(events.at(-1)).toEqual({
      type: "finish",
      choice: 0,
      reason: "stop",
      usage: { promptTokens: prompt.length, cachedTokens: 0, completionTokens: ids("hello wörld 🙂").length + 1, reasoningTokens: 0 },
    });
  });

  test("ends at the number of tokens asked for", async () => {
    const { said, engine } = await run({ says: "abcdef" }, { generation: generation({ maxTokens: 3 }) });
    expect([said[0]!.text, said[0]!.finish?.reason, said[0]!.finish?.usage.completionTokens]).toEqual(["abc", "length", 3]);
    expect(engine.sequences[0]!.end).toBe("length");
  });

  test("is the same however many ids come in one step", async () => {
    const says = `<think>hm 🙂</think>\n\nSo:\n${call}\nand <b>`;
    const request = { tools: [weather] };
    const [whole] = (await run({ says, script: { steps: [1000] } }, request)).said;
    for (const steps of [[1], [2], [3, 1], [7], [1, 50]]) {
      const [said] = (await run({ says, script: { steps } }, request)).said;
      expect({ ...said, finish: said!.finish?.usage }).toEqual({ ...whole!, finish: whole!.finish?.usage });
    }
    expect(whole).toMatchObject({ reasoning: "hm 🙂", text: "So:and <b>", calls: [{ name: "get_weather", arguments: '{"city": "Zürich 🏔"}' }] });
  });

  test("says how much of the prompt was known already", async () => {
    const { events } = await run({ says: "a", script: { cachedTokens: 5 } });
    expect(events[0]).toMatchObject({ type: "start", cachedTokens: 5 });
    expect(events.at(-1)).toMatchObject({ usage: { cachedTokens: 5 } });
  });

  test("that stops inside a character says so once", async () => {
    const { said } = await run({ says: "a🙂" }, { generation: generation({ maxTokens: 2 }) });
    expect(said[0]!.text).toBe("a\ufffd");
  });

  test("leaves out special tokens", async () => {
    const { said } = await run({ says: "a<|im_start|>b" });
    expect(said[0]!.text).toBe("ab");
  });
});

describe("stop strings", () => {
  const stopped = async (says: string, stop: string[], steps?: number[]) => {
    const { said, engine, ids } = await run({ says, script: { ...(steps && { steps }), hang: true } }, { generation: generation({ stop }) });
    await Bun.sleep(0);
    return { ...said[0]!, aborted: engine.aborted, sent: engine.sequences[0]!.sent, ids };
  };

  test("end the text before the match, and the sequence", async () => {
    const { text, finish, aborted, ids } = await stopped("hello world, more", ["world"]);
    expect([text, finish?.reason, finish?.stopString, aborted]).toEqual(["hello ", "stop", "world", 1]);
    expect(finish?.usage.completionTokens).toBe(ids("hello world").length);
  });

  test("are found across tokens, and the earliest wins", async () => {
    expect((await stopped("one two three", ["three", "e t", "wo"])).text).toBe("on");
    expect((await stopped("abcd", ["bcd", "c"])).text).toBe("ab");
    expect((await stopped("abcd", ["bc", "c"])).finish?.stopString).toBe("bc");
  });

  test("give the same text however many ids come in one step, and count only up to the last id of the match", async () => {
    for (const steps of [[1], [2], [5], [100]]) {
      const { text, finish, ids } = await stopped("abc---def---", ["--d", "---d"], steps);
      expect([text, finish?.stopString, finish?.usage.completionTokens]).toEqual(["abc", "---d", ids("abc---d").length]);
    }
  });

  test("that did not come hold nothing back in the end", async () => {
    const { said } = await run({ says: "abc wor" }, { generation: generation({ stop: ["world", "c wort"] }) });
    expect(said[0]).toMatchObject({ text: "abc wor", finish: { reason: "stop" } });
    expect(said[0]!.finish).not.toHaveProperty("stopString");
  });

  test("are looked for in the answer alone, in each of its parts, and not where reasoning ends or a call stands", async () => {
    const of = async (says: string, stop: string[], request: Partial<ChatRequest> = {}) =>
      (await run({ says }, { ...request, generation: generation({ stop }) })).said[0]!;
    expect(await of("<think>\na b\n</think>\n\nc b", ["b", "</think>", "\n\n"])).toMatchObject({
      reasoning: "a b",
      text: "c ",
      finish: { stopString: "b" },
    });
    const around = await of(`Zü${call}ch, rich`, ["Züch", "rich"], { tools: [weather] });
    expect(around).toMatchObject({ text: "Züch, ", calls: [{ arguments: '{"city": "Zürich 🏔"}' }] });
    expect(around.finish?.reason).toBe("tool_calls"); // which the client must answer
  });

  test("agree with reading character by character", async () => {
    const next = random(11);
    const { service } = openTestService();
    const { AnswerReader } = await import("../../src/chat/stream.ts");
    for (let round = 0; round < 400; round++) {
      const letters = (length: number) => Array.from({ length }, () => "ab-"[Math.floor(next() * 3)]).join("");
      const text = letters(14);
      const stop = [letters(1 + Math.floor(next() * 4)), letters(2 + Math.floor(next() * 3))];
      let expected = text;
      for (let end = 1; end <= text.length && expected === text; end++) {
        const longest = stop.filter(each => text.slice(0, end).endsWith(each)).sort((a, b) => b.length - a.length)[0];
        if (longest !== undefined) expected = text.slice(0, end - longest.length);
      }
      const reader = new AnswerReader({ tokenizer: service.tokenizer, choice: 0, stop, continues: false });
      let said = "";
      for (const id of service.tokenizer.encode(text, { specialTokens: false }))
        for (const event of reader.take(id, undefined)) if (event.type === "text") said += event.text;
      for (const event of reader.end()) if (event.type === "text") said += event.text;
      expect([text, stop, said]).toEqual([text, stop, expected]);
    }
  });
});

describe("reasoning", () => {
  test("is told apart from the answer and counted", async () => {
    const { said, ids } = await run({ says: "<think>\nhm hm\n</think>\n\nhello" });
    expect(said[0]).toMatchObject({
      text: "hello",
      reasoning: "hm hm",
      finish: { usage: { reasoningTokens: ids("<think>\nhm hm\n</think>").length } },
    });
  });

  test("goes on from a block that the prompt opened", async () => {
    const { said, ids } = await run({ says: "hm</think>hello" }, { templateOptions: { enable_thinking: true } });
    expect(said[0]).toMatchObject({ text: "hello", reasoning: "hm", finish: { usage: { reasoningTokens: ids("hm</think>").length } } });
  });

  test("is not expected behind an empty block", async () => {
    const { said } = await run({ says: "hello" }, { templateOptions: { enable_thinking: false } });
    expect(said[0]).toMatchObject({ text: "hello", reasoning: "", finish: { usage: { reasoningTokens: 0 } } });
  });

  test("has a budget: the request's, or the server's, with the ids that the model thinks between", async () => {
    const budgetOf = async (request: Partial<ChatRequest>, options?: Setup["options"]) => {
      const { engine, service } = await run({ says: "a", ...(options && { options }) }, request);
      return { thinking: engine.sequences[0]!.request.thinking, service };
    };
    const { thinking, service } = await budgetOf({ generation: generation({ thinkingBudget: 5 }), templateOptions: { enable_thinking: true } });
    const [openId, closeId] = [service.tokenizer.addedId("<think>")!, service.tokenizer.addedId("</think>")!];
    expect(thinking).toMatchObject({ budget: 5, startsOpen: true, openIds: [openId], closeId });
    expect(service.tokenizer.decode(thinking!.ending, { skipSpecial: false })).toBe("\n</think>\n\n");
    expect((await budgetOf({}, { thinkingBudget: 7 })).thinking).toMatchObject({ budget: 7, startsOpen: false });
    expect((await budgetOf({ generation: generation({ thinkingBudget: 0 }) }, { thinkingBudget: 7 })).thinking?.budget).toBe(0);
    expect((await budgetOf({})).thinking).toBeUndefined();
    expect((await budgetOf({ generation: generation({ thinkingBudget: 5 }) }, { reasoningParser: "none" })).thinking).toBeUndefined();
  });

  test("that is ended begins the content, unless the answer is held to something that does", async () => {
    const channels = ["<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|constrain|>", "<|call|>", "<|return|>"];
    const files = { "tokenizer.json": byteLevel([...chatTokens, ...channels.map(content => ({ content, special: true }))]) };
    const options = { reasoningParser: "harmony", toolParser: "harmony" };
    const endingOf = async (request: Partial<ChatRequest>) => {
      const wish = { thinkingBudget: 5, ...request.generation };
      const { engine, service } = await run({ says: "a", files, options }, { ...request, generation: generation(wish) });
      return service.tokenizer.decode(engine.sequences[0]!.request.thinking!.ending, { skipSpecial: false });
    };
    const next = "<|end|><|start|>assistant";
    const final = `${next}<|channel|>final<|message|>`;
    const strict = { ...weather, strict: true };
    expect(await endingOf({})).toBe(final);
    expect(await endingOf({ tools: [strict] })).toBe(final);
    expect(await endingOf({ tools: [strict], toolChoice: "required" })).toBe(next);
    expect(await endingOf({ generation: generation({ constraint: { type: "choice", field: "f", choices: ["a"] } }) })).toBe(next);
  });

  test("cannot have a budget where its tags are spelled out", async () => {
    const { service } = openTestService({ options: { reasoningParser: "mistral" } });
    const refused = collect(runChat(service, chat({ generation: generation({ thinkingBudget: 5 }) }), never));
    expect(refused).rejects.toMatchObject({ status: 400, param: "thinking_token_budget", message: expect.stringContaining("[/THINK]") });
    await refused.catch(() => {});
  });

  test("is left in the text where no parser is wanted", async () => {
    const { said } = await run({ says: "<think>a</think>b", options: { reasoningParser: "none" } });
    expect(said[0]!.text).toBe("<think>a</think>b");
  });

  test("tags that are spelled out where the vocabulary has tokens are text", async () => {
    const { service, ids } = openTestService();
    const spelled = [..."</think>"].flatMap(letter => ids(letter));
    const { said } = await run({
      says: "",
      script: { ids: [service.tokenizer.addedId("<think>")!, ...spelled, ...ids("a"), service.tokenizer.addedId("</think>")!, ...ids("b")] },
    });
    expect(said[0]).toMatchObject({ reasoning: "</think>a", text: "b" });
  });
});

describe("tool calls", () => {
  test("come as name and arguments, and finish with tool_calls", async () => {
    const { said, events } = await run({ says: `Let me see.\n${call}\n${call.replace("Zürich", "Bern")}` }, { tools: [weather] });
    const expected = ["Zürich", "Bern"].map(city => ({ name: "get_weather", arguments: `{"city": "${city} 🏔"}` }));
    expect(said[0]).toMatchObject({ text: "Let me see.", calls: expected, finish: { reason: "tool_calls" } });
    expect(events.filter(event => event.type === "tool-arguments").length).toBeGreaterThan(6);
  });

  test("stay text when no tools were offered, they were ruled out, or no parser is wanted", async () => {
    expect((await run({ says: call })).said[0]).toMatchObject({ text: call, calls: [], finish: { reason: "stop" } });
    expect((await run({ says: call }, { tools: [weather], toolChoice: "none" })).said[0]!.text).toBe(call);
    expect((await run({ says: call, options: { toolParser: "none" } }, { tools: [weather] })).said[0]!.text).toBe(call);
  });

  test("end the sequence after the first when they must not be parallel", async () => {
    const { said, engine, ids } = await run({ says: `${call}${call}`, script: { hang: true } }, { tools: [weather], parallelToolCalls: false });
    expect(said[0]).toMatchObject({
      calls: [{}],
      finish: { reason: "tool_calls", usage: { completionTokens: ids(call.slice(0, call.indexOf("\n</tool"))).length } },
    });
    await Bun.sleep(0);
    expect(engine.aborted).toBe(1);
  });

  test("inside reasoning are calls", async () => {
    const { said } = await run({ says: `hm\n${call}` }, { tools: [weather], templateOptions: { enable_thinking: true } });
    expect(said[0]).toMatchObject({ reasoning: "hm", text: "", calls: [{ name: "get_weather" }], finish: { reason: "tool_calls" } });
  });

  test("that are cut off by the number of tokens finish with length", async () => {
    const { said } = await run({ says: call }, { tools: [weather], generation: generation({ maxTokens: 40 }) });
    expect(said[0]).toMatchObject({ calls: [{ name: "get_weather" }], finish: { reason: "length" } });
  });
});

describe("several choices", () => {
  test("run at the same time, each with a seed of its own that follows from the client's", async () => {
    const seeds = async () => {
      const { said, engine } = await run(
        { says: ["one", "two", "three"], script: { delay: 2 } },
        { choices: 3, generation: generation({ sampling: { seed: 7 } }) },
      );
      expect(said.map(({ text }) => text)).toEqual(["one", "two", "three"]);
      return engine.sequences.map(({ request }) => request.sampling.seed);
    };
    const first = await seeds();
    expect(first[0]).toBe(7);
    expect(new Set(first).size).toBe(3);
    expect(await seeds()).toEqual(first);
  });

  test("are mixed as they come", async () => {
    const { events } = await run({ says: ["aaaa", "bbbb"], script: { delay: 1 } }, { choices: 2 });
    const order = events.filter(event => event.type === "text").map(event => event.choice);
    expect(order.indexOf(1)).toBeLessThan(order.lastIndexOf(0));
  });

  test("without a seed get different ones", async () => {
    const { engine } = await run({ says: "a" }, { choices: 4 });
    expect(new Set(engine.sequences.map(({ request }) => request.sampling.seed)).size).toBe(4);
  });

  test("all end when one fails", async () => {
    const says = (index: number) => (index === 1 ? { ids: [97], fail: { code: "memory" as const, message: "no room" } } : { ids: [98], hang: true });
    const { service, engine } = openTestService({ says });
    const events: string[] = [];
    const reading = (async () => {
      for await (const event of runChat(service, chat({ choices: 3 }), never)) events.push(event.type);
    })();
    expect(reading).rejects.toThrow(EngineError);
    await reading.catch(() => {});
    await until(() => engine.aborted === 2, "the others are aborted");
    expect(events).not.toContain("finish");
    expect([engine.running, engine.aborted]).toEqual([0, 2]);
  });
});

describe("the sequence that the engine gets", () => {
  const sequence = async (request: Partial<ChatRequest> = {}, setup: Setup = {}) =>
    (await run({ says: "a", ...setup }, request)).engine.sequences[0]!.request;

  test("has the request's wishes over the server's over the model's over the usual", async () => {
    const files = { "generation_config.json": { temperature: 0.6, top_p: 0.8, top_k: 20 } };
    const options = { defaults: { topP: 0.7, topK: 30 } };
    const { sampling } = await sequence({ generation: generation({ sampling: { topK: 40, minP: 0.1 } }) }, { files, options });
    expect(sampling).toMatchObject({ temperature: 0.6, topP: 0.7, topK: 40, minP: 0.1, repetitionPenalty: 1, logitBias: [] });
    expect((await sequence()).sampling).toMatchObject({ temperature: 0.7, topP: 0.9, topK: 0 });
  });

  test("always takes the likeliest token where the server is deterministic", async () => {
    const wishes = generation({ sampling: { temperature: 1.5, topP: 0.5, topK: 40 } });
    const { sampling } = await sequence({ generation: wishes }, { options: { deterministic: true } });
    expect(sampling).toMatchObject({ temperature: 0, topP: 1 });
  });

  test("may be as long as fits, up to the server's limit, or as the client asked", async () => {
    const { prompt, maxTokens } = await sequence();
    expect(maxTokens).toBe(2048 - prompt.length);
    expect((await sequence({}, { options: { maxTokens: 100 } })).maxTokens).toBe(100);
    expect((await sequence({ generation: generation({ maxTokens: 7 }) })).maxTokens).toBe(7);
    expect((await sequence({ generation: generation({ maxTokens: 100_000 }) })).maxTokens).toBe(2048 - prompt.length);
  });

  test("stops where the model and the client say, or only where the client says", async () => {
    const { service } = openTestService();
    const end = service.tokenizer.addedId("<|im_end|>")!;
    expect((await sequence({ generation: generation({ stopIds: [5] }) })).stopIds).toEqual([end, 5]);
    expect((await sequence({ generation: generation({ stopIds: [5], ignoreEos: true }) })).stopIds).toEqual([5]);
    expect((await sequence({ generation: generation({ minTokens: 3 }) })).minTokens).toBe(3);
  });

  test("begins with what the template made", async () => {
    const { service } = openTestService();
    const { prompt } = await sequence({ tools: [weather] });
    const text = service.tokenizer.decode(prompt, { skipSpecial: false });
    expect(text).toBe(
      '<|im_start|>system\n{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}\n' +
        "As <tool_call>JSON</tool_call><|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    );
  });
});

describe("a request that cannot be run", () => {
  const refusal = async (setup: Setup, request: Partial<ChatRequest>): Promise<ApiError> => {
    const { service, engine } = openTestService(setup);
    const error: unknown = await collect(runChat(service, chat(request), never)).catch((reason: unknown) => reason);
    expect(engine.sequences).toEqual([]);
    if (error instanceof ApiError) return error;
    throw error;
  };

  test("is longer than the context", async () => {
    const error = await refusal({ engine: { info: { contextLength: 20 } } }, { messages: [{ role: "user", content: "a".repeat(30) }] });
    expect([error.status, error.code, error.param]).toEqual([400, "context_length_exceeded", "messages"]);
    expect(error.message).toMatch(/context length is 20 tokens, but the prompt alone has \d\d/);
  });

  test("is refused by the template, in the template's words", async () => {
    const files = { "tokenizer_config.json": { chat_template: "{{ raise_exception('No system role') }}" } };
    const error = await refusal({ files }, {});
    expect([error.status, error.code]).toEqual([400, "chat_template_error"]);
    expect(error.message).toContain("No system role");
  });

  test("is empty", async () => {
    const error = await refusal({ files: { "tokenizer_config.json": { chat_template: "{{ '' }}" } } }, {});
    expect([error.status, error.code]).toEqual([400, "empty_prompt"]);
  });

  test("is a chat with a model that has no template", async () => {
    const error = await refusal({ files: { "tokenizer_config.json": {} } }, {});
    expect([error.status, error.code]).toEqual([400, "no_chat_template"]);
  });
});

describe("an end from outside", () => {
  test("stops the sequences and the events, without a word", async () => {
    const { service, engine } = openTestService({ says: "a", script: { hang: true } });
    const abort = new AbortController();
    const types: string[] = [];
    for await (const event of runChat(service, chat({ choices: 2 }), abort.signal)) {
      types.push(event.type);
      if (event.type === "text") abort.abort();
    }
    expect(types).not.toContain("finish");
    expect([engine.running, engine.aborted]).toEqual([0, 2]);
  });

  test("by leaving the events stops the sequences", async () => {
    const { service, engine } = openTestService({ says: "a", script: { hang: true } });
    for await (const event of runChat(service, chat({ choices: 2 }), never)) if (event.type === "text") break;
    await until(() => engine.aborted === 2, "both are aborted");
    expect([engine.running, engine.aborted]).toEqual([0, 2]);
  });

  test("by the engine is the engine's failure", async () => {
    const { service } = openTestService({ says: "ab", script: { fail: { code: "engine_lost", message: "gone", retryAfterSeconds: 2 } } });
    const error: unknown = await collect(runChat(service, chat(), never)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "engine_lost", message: "gone", retryAfterSeconds: 2 });
  });
});

describe("likelihoods", () => {
  test("come for every token of the text, and not for the one that ended it", async () => {
    const { events, said } = await run({ says: "hello 🙂" }, { generation: generation({ logprobs: 2 }) });
    expect(said[0]!.tokens).toEqual(["hello", " ", "\\xf0\\x9f", "\\x99\\x82"]);
    const [first] = events.flatMap(event => likelihoodsOf(event) ?? []);
    expect(first).toMatchObject({ text: "hello", bytes: new TextEncoder().encode("hello"), offset: 0 });
    expect(first!.top.map(({ logprob }) => logprob)).toEqual([-0.25, -0.5]);
  });

  test("do not come for text behind a stop string", async () => {
    const { said } = await run({ says: "abcdef" }, { generation: generation({ logprobs: 0, stop: ["de"] }) });
    expect([said[0]!.text, said[0]!.tokens]).toEqual(["abc", ["a", "b", "c"]]);
  });
});
