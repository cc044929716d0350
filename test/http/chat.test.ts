// Wire transcripts of both text routes: what a client reads, byte for byte where it matters.
import { describe, expect, test } from "bun:test";
import { chat, completions, frames, hello, ids, open, say } from "./open.ts";

describe("a chat completion", () => {
  test("is one object", async () => {
    const { json, service } = open(say("Hi there", { cachedTokens: 3 }));
    const answer = await json(chat, { model: "mini", ...hello });
    expect(answer).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
      object: "chat.completion",
      created: expect.any(Number),
      model: "mini",
      system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{16}$/),
      choices: [
        { index: 0, message: { role: "assistant", content: "Hi there", refusal: null }, logprobs: null, finish_reason: "stop", stop_reason: null },
      ],
      usage: {
        prompt_tokens: expect.any(Number),
        completion_tokens: ids("Hi there").length + 1,
        total_tokens: answer.usage.prompt_tokens + answer.usage.completion_tokens,
        prompt_tokens_details: { cached_tokens: 3 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
    });
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(5);
    expect(service.tokenizer.vocabSize).toBeGreaterThan(0);
  });

  test("ends with length at the upper bound", async () => {
    const { json } = open(say("one two three four"));
    const { choices, usage } = await json(chat, { ...hello, max_tokens: 2 });
    expect([choices[0].finish_reason, usage.completion_tokens]).toEqual(["length", 2]);
  });

  test("stops before a stop text and names it", async () => {
    const { json, engine } = open(say("one two three four"));
    const { choices } = await json(chat, { ...hello, stop: ["three"] });
    expect(choices[0]).toMatchObject({ message: { content: "one two " }, finish_reason: "stop", stop_reason: "three" });
    expect(engine.running).toBe(0);
  });

  test("shows what the model thought apart from its answer", async () => {
    const { json } = open(say("<think>\nhm\n</think>\n\nYes"));
    const { choices, usage } = await json(chat, hello);
    expect(choices[0].message).toMatchObject({ content: "Yes", reasoning: "hm", reasoning_content: "hm" });
    expect(usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(0);
  });

  test("calls a tool", async () => {
    const { json } = open(say('<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'));
    const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: { a: { type: "integer" } } } } }];
    const { choices } = await json(chat, { ...hello, tools });
    expect(choices[0]).toMatchObject({
      message: { content: null, tool_calls: [{ id: expect.stringMatching(/^call_/), type: "function", function: { name: "f" } }] },
      finish_reason: "tool_calls",
    });
    expect(JSON.parse(choices[0].message.tool_calls[0].function.arguments)).toEqual({ a: 1 });
  });

  test("has as many choices as asked for, with the prompt counted once", async () => {
    const { json, engine } = open([say("a"), say("b"), say("c")]);
    const { choices, usage } = await json(chat, { ...hello, n: 3 });
    expect(choices.map((choice: any) => [choice.index, choice.message.content])).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "c"],
    ]);
    expect(usage.prompt_tokens).toBe(engine.sequences[0]!.request.prompt.length);
    expect(usage.completion_tokens).toBe(6);
  });

  test("has log probabilities of every token", async () => {
    const { json } = open("Hi");
    const { choices } = await json(chat, { ...hello, logprobs: true, top_logprobs: 2 });
    const { content, refusal } = choices[0].logprobs;
    expect(content.map(({ token }: { token: string }) => token).join("")).toBe("Hi");
    expect(content[0]).toMatchObject({ logprob: -0.25, bytes: expect.any(Array), top_logprobs: [{ logprob: -0.25 }, { logprob: -0.5 }] });
    expect(refusal).toBeNull();
  });

  test("hands every control to the engine", async () => {
    const { json, engine } = open("Hi");
    const controls = {
      temperature: 0.5,
      top_p: 0.8,
      top_k: 7,
      min_p: 0.1,
      seed: 11,
      frequency_penalty: 1,
      presence_penalty: -1,
      repetition_penalty: 1.5,
    };
    await json(chat, {
      ...hello,
      ...controls,
      logit_bias: { "5": 2 },
      max_completion_tokens: 9,
      min_tokens: 3,
      stop_token_ids: [77],
      ignore_eos: true,
    });
    const { prompt, ...request } = engine.sequences[0]!.request;
    expect(request).toEqual({
      tag: expect.stringMatching(/^req_/),
      client: "",
      repetition: "off", // because of ignore_eos
      sampling: {
        temperature: 0.5,
        topP: 0.8,
        topK: 7,
        minP: 0.1,
        seed: 11,
        frequencyPenalty: 1,
        presencePenalty: -1,
        repetitionPenalty: 1.5,
        logitBias: [[5, 2]],
      },
      maxTokens: 9,
      minTokens: 3,
      stopIds: [77],
    });
    expect(prompt.length).toBeGreaterThan(0);
  });

  test("hands template options to the template", async () => {
    const { json, engine, service } = open("Hi");
    await json(chat, { ...hello, add_generation_prompt: false });
    await json(chat, hello);
    const [without, usual] = engine.sequences.map(({ request }) => service.tokenizer.decode(request.prompt, { skipSpecial: false }));
    expect(usual).toStartWith(without!);
    expect(usual!.length).toBeGreaterThan(without!.length);
  });

  test("goes on from the beginning that the client gives", async () => {
    const { json, engine, service } = open(" it is.");
    const begun = { ...hello, messages: [...hello.messages, { role: "assistant", content: "So" }], continue_final_message: true };
    expect((await json(chat, begun)).choices[0].message.content).toBe(" it is.");
    const { prompt } = engine.sequences[0]!.request;
    expect(service.tokenizer.decode(prompt, { skipSpecial: false })).toEndWith("<|im_start|>assistant\nSo");
    const { max_tokens: _, ...asked } = { max_tokens: 0, ...begun };
    expect((await json("/v1/tokenize", asked)).tokens).toEqual([...prompt]);
    const refused = await json(chat, { ...begun, response_format: { type: "json_object" } }, 400);
    expect(refused.error).toMatchObject({ param: "response_format", code: "invalid_value" });
  });

  test("tells the service tier when it was asked for, and names what it ignored", async () => {
    const { post } = open("Hi");
    const response = await post(chat, { ...hello, service_tier: "auto", options: {}, "naïve\nname": 1 });
    expect(response.headers.get("x-pippin-ignored")).toBe("options, na?ve?name");
    expect(await response.json()).toMatchObject({ service_tier: "default", model: "org/mini" });
  });
});

describe("a chat stream", () => {
  test("is an opening chunk, deltas, a finish chunk, the usage and the end mark, all under one head", async () => {
    const { post } = open(say("Hi you"));
    const response = await post(chat, { ...hello, model: "default", stream: true, stream_options: { include_usage: true } });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
    const all = await frames(response);
    expect(all.at(-1)).toBe("[DONE]");
    const chunks = all.slice(0, -1).map(frame => JSON.parse(frame));
    const { id, created, system_fingerprint } = chunks[0];
    const head = { id, object: "chat.completion.chunk", created, model: "default", system_fingerprint };
    const chunk = (delta: object, more: object = {}) => ({
      ...head,
      usage: null,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...more }],
    });
    expect(id).toMatch(/^chatcmpl-/);
    expect(chunks[0]).toEqual(chunk({ role: "assistant", content: "", refusal: null }));
    expect(chunks.at(-2)).toEqual(chunk({}, { finish_reason: "stop", stop_reason: null }));
    expect(chunks.at(-1)).toEqual({ ...head, choices: [], usage: expect.objectContaining({ completion_tokens: ids("Hi you").length + 1 }) });
    const deltas = chunks.slice(1, -2);
    expect(deltas).toEqual(deltas.map(({ choices }) => chunk({ content: choices[0].delta.content })));
    expect(deltas.map(({ choices }) => choices[0].delta.content).join("")).toBe("Hi you");
  });

  test("without include_usage has no usage at all", async () => {
    const { post } = open("Hi");
    expect(await (await post(chat, { ...hello, stream: true })).text()).not.toContain("usage");
  });

  test("interleaves several choices, each with its own end", async () => {
    const { post } = open([say("aaa bbb", { delay: 2 }), say("ccc ddd", { delay: 3 })]);
    const chunks = (await frames(await post(chat, { ...hello, stream: true, n: 2 }))).slice(0, -1).map(frame => JSON.parse(frame).choices[0]);
    const content = (index: number) =>
      chunks
        .filter(choice => choice.index === index)
        .map(choice => choice.delta.content ?? "")
        .join("");
    expect([content(0), content(1)]).toEqual(["aaa bbb", "ccc ddd"]);
    expect(
      chunks
        .filter(choice => choice.finish_reason)
        .map(choice => choice.index)
        .sort(),
    ).toEqual([0, 1]);
  });

  test("streams reasoning and tool calls as their own deltas", async () => {
    const tools = [{ type: "function", function: { name: "f" } }];
    const { post } = open(say('<think>\nhm\n</think>\n\nSo:<tool_call>\n{"name": "f", "arguments": {"a": "b"}}\n</tool_call>'));
    const deltas = (await frames(await post(chat, { ...hello, tools, stream: true }))).slice(0, -1).map(frame => JSON.parse(frame).choices[0]);
    const join = (pick: (delta: any) => string | undefined) => deltas.map(({ delta }) => pick(delta) ?? "").join("");
    expect(join(delta => delta.reasoning)).toBe("hm");
    expect(join(delta => delta.reasoning_content)).toBe("hm");
    expect(join(delta => delta.content)).toContain("So:");
    expect(join(delta => delta.tool_calls?.[0].function.name)).toBe("f");
    expect(JSON.parse(join(delta => delta.tool_calls?.[0].function.arguments))).toEqual({ a: "b" });
    expect(deltas.at(-1).finish_reason).toBe("tool_calls");
  });

  test("calls a custom tool with a text, and takes the call and its result back in", async () => {
    const tools = [{ type: "custom", custom: { name: "run", description: "Runs a program." } }];
    const input = 'print("😀")\n\\';
    const opened = open(say(`<tool_call>\n{"name": "run", "arguments": ${JSON.stringify({ input })}}\n</tool_call>`));
    const [choice] = (await opened.json(chat, { ...hello, tools })).choices;
    expect(choice.finish_reason).toBe("tool_calls");
    expect(choice.message.tool_calls).toEqual([{ id: expect.any(String), type: "custom", custom: { name: "run", input } }]);
    const streamed = (await frames(await opened.post(chat, { ...hello, tools, stream: true }))).slice(0, -1);
    const calls = streamed.flatMap(frame => JSON.parse(frame).choices[0].delta.tool_calls ?? []);
    expect(calls[0]).toMatchObject({ type: "custom", custom: { name: "run" } });
    expect(calls.map(call => call.custom.input).join("")).toBe(input);
    const result = { role: "tool", tool_call_id: choice.message.tool_calls[0].id, content: "done" };
    await opened.json(chat, { messages: [...hello.messages, choice.message, result], tools });
    const prompt = opened.service.tokenizer.decode(opened.engine.sequences.at(-1)!.request.prompt, { skipSpecial: false });
    expect(prompt).toContain(`"arguments": ${JSON.stringify({ input }).replace(":", ": ")}`);
  });

  test("tells in words that logit_bias has token ids for names", async () => {
    const { error } = await open("Hi").json(chat, { ...hello, logit_bias: { hello: 1 } }, 400);
    expect(error).toMatchObject({
      param: "logit_bias.hello",
      message: "'logit_bias.hello' is not a token id: the names in it are whole numbers, such as those that /v1/tokenize gives.",
    });
  });

  test("sends its headers and opening chunk while the model still reads the prompt", async () => {
    const { post, engine } = open(say("Hi", { delay: 2000 }), { openAfterMs: 20 });
    const response = await post(chat, { ...hello, stream: true });
    const reader = response.body!.getReader();
    const { value } = await reader.read();
    expect(engine.sequences[0]!.sent).toEqual([]);
    expect(new TextDecoder().decode(value)).toContain('"role":"assistant"');
    await reader.cancel();
  });

  test("is kept alive by comments in silence", async () => {
    const { post } = open(say("a b", { delay: 45 }), { keepAliveMs: 10 });
    const all = await frames(await post(chat, { ...hello, stream: true }));
    expect(all.filter(frame => frame === ": keep-alive").length).toBeGreaterThan(3);
    expect(all.at(-1)).toBe("[DONE]");
  });
});

describe("plain completions", () => {
  test("have no template around their prompt", async () => {
    const { json, engine } = open("lo");
    const answer = await json(completions, { prompt: "Hel" });
    expect([...engine.sequences[0]!.request.prompt].slice(-ids("Hel").length)).toEqual(ids("Hel"));
    expect(answer).toMatchObject({
      id: expect.stringMatching(/^cmpl-[0-9a-f]{32}$/),
      object: "text_completion",
      model: "org/mini",
      choices: [{ index: 0, text: "lo", logprobs: null, finish_reason: "stop" }],
    });
  });

  test("take token ids as they are", async () => {
    const { json, engine } = open("x");
    await json(completions, { prompt: [[5, 6], [7]] });
    expect(engine.sequences.map(({ request }) => [...request.prompt])).toEqual([[5, 6], [7]]);
  });

  test("of several prompts with several choices stand in order", async () => {
    const { json, engine } = open([say("a"), say("b"), say("c"), say("d")]);
    const { choices, usage } = await json(completions, { prompt: ["x", "y y y"], n: 2 });
    expect(choices.map((choice: any) => [choice.index, choice.text])).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "c"],
      [3, "d"],
    ]);
    const [first, , third] = engine.sequences.map(({ request }) => request.prompt.length);
    expect(usage.prompt_tokens).toBe(first! + third!);
  });

  test("echo the prompt with its likelihood, for scoring", async () => {
    const { json } = open("never");
    const { choices, usage } = await json(completions, { prompt: "Hello you", echo: true, logprobs: 1, max_tokens: 0 });
    const { tokens, token_logprobs, top_logprobs, text_offset } = choices[0].logprobs;
    expect(choices[0]).toMatchObject({ text: "Hello you", finish_reason: "length" });
    expect(tokens.join("")).toEndWith("Hello you");
    expect(token_logprobs).toEqual([null, ...new Array(tokens.length - 1).fill(-0.25)]);
    expect([top_logprobs[0], Object.values(top_logprobs[1])]).toEqual([null, [-0.25]]);
    expect(text_offset.at(-1)).toBe("Hello you".length - tokens.at(-1).length);
    expect(usage.completion_tokens).toBe(0);
  });

  test("with best_of write all candidates, show the likeliest and count them all", async () => {
    const { json, engine } = open([say("a"), say("b"), say("c")]);
    const { choices, usage } = await json(completions, { prompt: "x", best_of: 3, n: 2 });
    expect(engine.sequences).toHaveLength(3);
    expect(choices).toMatchObject([
      { index: 0, text: "a", logprobs: null },
      { index: 1, text: "b", logprobs: null },
    ]);
    expect(usage.completion_tokens).toBe(6);
    expect(usage.prompt_tokens).toBe(engine.sequences[0]!.request.prompt.length);
  });

  test("with a suffix say what the model lacks", async () => {
    const { error } = await open("x").json(completions, { prompt: "a", suffix: "c" }, 400);
    expect(error).toMatchObject({ param: "suffix", code: "unsupported_parameter" });
  });

  test("stream every prompt under one id", async () => {
    const { post } = open([say("a b"), say("c d")]);
    const all = await frames(await post(completions, { prompt: ["x", "y"], stream: true, stream_options: { include_usage: true } }));
    expect(all.at(-1)).toBe("[DONE]");
    const chunks = all.slice(0, -1).map(frame => JSON.parse(frame));
    const text = (index: number) =>
      chunks
        .flatMap(({ choices }) => choices)
        .filter(choice => choice.index === index)
        .map(choice => choice.text)
        .join("");
    expect([text(0), text(1)]).toEqual(["a b", "c d"]);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: ids("a b").length + ids("c d").length + 2 } });
  });
});

describe("the model's name", () => {
  test("may be default, an alias or nothing; another is unknown", async () => {
    const { json } = open("Hi");
    for (const model of ["default", "mini", "org/mini", undefined]) expect((await json(chat, { ...hello, model })).model).toBe(model ?? "org/mini");
    expect((await json(chat, { ...hello, model: "other" }, 404)).error).toMatchObject({ code: "model_not_found", param: "model" });
  });

  test("must be the model's own or default under --strict-model-id", async () => {
    const { json } = open("Hi", { config: { strictModelId: true } });
    for (const model of ["default", "org/mini"]) await json(chat, { ...hello, model });
    const { error } = await json(chat, { ...hello, model: "mini" }, 400);
    expect(error).toMatchObject({ code: "model_mismatch", param: "model" });
    expect(error.message).toMatch(/'mini'.*'org\/mini'.*Without --strict-model-id/);
  });
});
