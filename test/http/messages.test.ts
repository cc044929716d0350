// Wire transcripts of Anthropic's routes: what a client reads, and what the model is given to read.
import { describe, expect, test } from "bun:test";
import { ids, open, say } from "./open.ts";

const path = "/v1/messages";
const hello = { max_tokens: 100, messages: [{ role: "user", content: "Hello" }] };
const begun = { ...hello, messages: [...hello.messages, { role: "assistant", content: "So" }] };
const weather = { name: "weather", description: "Tells the weather.", input_schema: { type: "object", properties: { city: { type: "string" } } } };
const call = (city: string) => `<tool_call>\n{"name": "weather", "arguments": {"city": "${city}"}}\n</tool_call>`;

/** The events of a stream, each checked to stand under its own name. */
async function events(response: Response): Promise<any[]> {
  expect(response.headers.get("content-type")).toStartWith("text/event-stream");
  const text = await response.text();
  expect(text).toEndWith("\n\n");
  return text
    .slice(0, -2)
    .split("\n\n")
    .map(frame => {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame)!;
      const event = JSON.parse(data!);
      expect(event.type).toBe(name);
      return event;
    });
}

const readInput = (json: string): object => {
  try {
    return JSON.parse(json);
  } catch {
    return { INVALID_JSON: json };
  }
};

/** What the last request gave the model to read. */
function promptOf({ engine, service }: ReturnType<typeof open>): string {
  return service.tokenizer.decode(engine.sequences.at(-1)!.request.prompt, { skipSpecial: false });
}

describe("a message", () => {
  test("is one object", async () => {
    const { json, engine } = open(say("Hi there", { cachedTokens: 3 }));
    const answer = await json(path, { model: "mini", ...hello });
    expect(answer).toEqual({
      id: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
      type: "message",
      role: "assistant",
      model: "mini",
      content: [{ type: "text", text: "Hi there", citations: null }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: {
        input_tokens: engine.sequences[0]!.request.prompt.length - 3,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 3,
        output_tokens: ids("Hi there").length + 1,
        output_tokens_details: { thinking_tokens: 0 },
      },
    });
  });

  test("has its thinking, its text and its calls as blocks, in the order in which they were written", async () => {
    const { json } = open(`<think>\nhm\n</think>\n\nI look. ${call("Rome")}\n${call("Oslo")}`);
    const { content, stop_reason } = await json(path, { ...hello, tools: [weather], thinking: { type: "adaptive" } });
    expect(content.filter((block: any) => block.text?.trim() !== "")).toEqual([
      { type: "thinking", thinking: "hm", signature: expect.stringMatching(/^.{44}$/) },
      { type: "text", text: expect.stringMatching(/^I look\.\s*$/), citations: null },
      { type: "tool_use", id: expect.any(String), name: "weather", input: { city: "Rome" } },
      { type: "tool_use", id: expect.any(String), name: "weather", input: { city: "Oslo" } },
    ]);
    expect(stop_reason).toBe("tool_use");
  });

  test("may call once when that is asked for", async () => {
    const { json } = open(`${call("Rome")}\n${call("Oslo")}`);
    const { content } = await json(path, { ...hello, tools: [weather], tool_choice: { type: "auto", disable_parallel_tool_use: true } });
    expect(content.map((block: any) => block.input)).toEqual([{ city: "Rome" }]);
  });

  test("tells a stop sequence from the model's own end, and the upper bound from the context's", async () => {
    const { json } = open(say("one two three"), { engine: { info: { contextLength: 60 } } });
    const ask = async (more: object) => {
      const { stop_reason, stop_sequence, content } = await json(path, { ...hello, ...more });
      return [stop_reason, stop_sequence, content[0].text];
    };
    expect(await ask({ stop_sequences: ["three"] })).toEqual(["stop_sequence", "three", "one two "]);
    expect((await ask({ max_tokens: 2 }))[0]).toBe("max_tokens");
    const cut = open(
      Array.from({ length: 5 }, () => say("a ".repeat(200))),
      { engine: { info: { contextLength: 60 } } },
    );
    expect((await cut.json(path, { ...hello, max_tokens: 1000 })).stop_reason).toBe("model_context_window_exceeded");
  });

  test("of no tokens only reads the prompt, so that it is stored", async () => {
    const { json } = open("Hi");
    const { content, stop_reason, usage } = await json(path, { ...hello, max_tokens: 0 });
    expect([content[0].text, stop_reason, usage.output_tokens]).toEqual(["", "max_tokens", 0]);
  });

  test("without a word has one empty text", async () => {
    const { json } = open("");
    expect((await json(path, hello)).content).toEqual([{ type: "text", text: "", citations: null }]);
  });

  test("hands its controls to the engine", async () => {
    const { json, engine } = open("Hi");
    await json(path, { ...hello, temperature: 0.5, top_p: 0.8, top_k: 7, max_tokens: 9 });
    expect(engine.sequences[0]!.request).toMatchObject({ maxTokens: 9, sampling: { temperature: 0.5, topP: 0.8, topK: 7 } });
  });
});

describe("a stream of a message", () => {
  test("opens, fills and closes each block in turn", async () => {
    const { post, engine } = open(say(`<think>\nhm\n</think>\n\nSo: ${call("Rome")}`, { cachedTokens: 2 }));
    const all = await events(await post(path, { ...hello, stream: true, tools: [weather], thinking: { type: "adaptive" } }));
    const { length } = engine.sequences[0]!.request.prompt;
    expect(all[0]).toEqual({
      type: "message_start",
      message: {
        id: expect.stringMatching(/^msg_/),
        type: "message",
        role: "assistant",
        model: "org/mini",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: expect.objectContaining({ input_tokens: length, output_tokens: 0 }),
      },
    });
    expect(all[1]).toEqual({ type: "ping" });
    const order = all.slice(2).map(event => (event.index === undefined ? event.type : `${event.type} ${event.index}`));
    expect(order.filter((name, i) => name !== order[i - 1])).toEqual([
      "content_block_start 0",
      "content_block_delta 0",
      "content_block_stop 0",
      "content_block_start 1",
      "content_block_delta 1",
      "content_block_stop 1",
      "content_block_start 2",
      "content_block_delta 2",
      "content_block_stop 2",
      "message_delta",
      "message_stop",
    ]);
    const deltas = (index: number) => all.filter(event => event.index === index && event.delta).map(event => event.delta);
    expect(deltas(0).at(-1).type).toBe("signature_delta");
    expect(
      deltas(1)
        .map(delta => delta.text)
        .join(""),
    ).toBe("So:");
    expect(
      JSON.parse(
        deltas(2)
          .map(delta => delta.partial_json)
          .join(""),
      ),
    ).toEqual({ city: "Rome" });
    expect(all.at(-2)).toEqual({
      type: "message_delta",
      delta: { stop_reason: "tool_use", stop_sequence: null },
      usage: expect.objectContaining({ input_tokens: length - 2, cache_read_input_tokens: 2, output_tokens: engine.sequences[0]!.sent.length }),
    });
  });

  test.each(["Hello, world", `<think>\nhm hm\n</think>\n\nYes. ${call("Rome")}\n${call("Oslo")} Done`, "", call("Bad").replace("}}", "")])(
    "says the same as the whole message: %j",
    async text => {
      const body = { ...hello, tools: [weather], thinking: { type: "adaptive" } };
      const { json, post } = open(text);
      const whole = await json(path, body);
      const blocks: any[] = [];
      for (const event of await events(await post(path, { ...body, stream: true }))) {
        if (event.type === "content_block_start") blocks[event.index] = { ...event.content_block, json: "" };
        const block = blocks[event.index];
        const { delta } = event;
        if (delta?.type === "text_delta") block.text += delta.text;
        else if (delta?.type === "thinking_delta") block.thinking += delta.thinking;
        else if (delta?.type === "signature_delta") block.signature = delta.signature;
        else if (delta?.type === "input_json_delta") block.json += delta.partial_json;
        if (event.type === "message_delta") expect(event).toMatchObject({ delta: { stop_reason: whole.stop_reason }, usage: whole.usage });
      }
      const folded = blocks.map(({ json: input, ...block }) =>
        block.type === "tool_use" ? { ...block, id: expect.any(String), input: readInput(input) } : block,
      );
      expect(whole.content).toEqual(folded);
    },
  );

  test("can leave the text of thinking out", async () => {
    const { post, json } = open("<think>\nsecret\n</think>\n\nYes");
    const body = { ...hello, thinking: { type: "enabled", budget_tokens: 50, display: "omitted" } };
    expect((await json(path, body)).content.map((block: any) => block.thinking ?? block.text)).toEqual(["", "Yes"]);
    const text = await (await post(path, { ...body, stream: true })).text();
    expect(text).not.toContain("secret");
    expect(text).toContain("signature_delta");
  });

  test("shows life: with pings before a block is open, and with empty deltas inside it", async () => {
    const script = { ids: ids("ab"), delay: 300 };
    const { post } = open(script, { keepAliveMs: 10, openAfterMs: 5 });
    const all = await events(await post(path, { ...hello, stream: true }));
    const first = all.findIndex(event => event.type === "content_block_start");
    expect(all.slice(1, first).every(event => event.type === "ping")).toBe(true);
    expect(first).toBeGreaterThan(2);
    const inside = all.slice(first);
    expect(inside.filter(event => event.type === "ping").length).toBeGreaterThan(0);
    expect(inside.filter(event => event.delta?.text === "").length).toBeGreaterThan(0);
    expect(inside.map(event => event.delta?.text ?? "").join("")).toBe("ab");
  });

  test("that fails says so in an event", async () => {
    const { post } = open({ ids: ids("ab"), fail: { code: "engine_lost", message: "It is gone." } });
    const all = await events(await post(path, { ...hello, stream: true }));
    expect(all.at(-1)).toEqual({
      type: "error",
      error: { type: "overloaded_error", message: "It is gone." },
      request_id: expect.stringMatching(/^req_/),
    });
  });
});

describe("the model reads", () => {
  test("system blocks first, without Claude Code's billing line, so that prefixes are found again", async () => {
    const opened = open("Hi");
    const system = (nonce: string) => [
      { type: "text", text: `x-anthropic-billing-header: cc_version=2.1; cch=${nonce};` },
      { type: "text", text: "You are Claude Code.", cache_control: { type: "ephemeral" } },
      { type: "text", text: "Be brief." },
    ];
    await opened.json(path, { ...hello, system: system("1f2e3") });
    const first = promptOf(opened);
    await opened.json(path, { ...hello, system: system("9a8b7") });
    expect(promptOf(opened)).toBe(first);
    expect(first).toContain("You are Claude Code.\nBe brief.");
    expect(first).not.toContain("billing");
    await opened.json(path, { ...hello, system: "x-anthropic-billing-header: cch=1;\nYou are Claude Code.\nBe brief." });
    expect(promptOf(opened)).toBe(first);
  });

  test("system messages where they stand", async () => {
    const opened = open("Hi");
    const messages = [
      { role: "user", content: "first" },
      { role: "assistant", content: [{ type: "text", text: "second" }] },
      { role: "system", content: [{ type: "text", text: "a reminder" }] },
      { role: "user", content: [{ type: "text", text: "third" }] },
    ];
    await opened.json(path, { ...hello, messages, system: "begin" });
    const prompt = promptOf(opened);
    const places = ["begin", "first", "second", "a reminder", "third"].map(text => prompt.indexOf(text));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  test("parallel calls, their results and errors, and the text after them", async () => {
    const opened = open("Hi");
    const messages = [
      { role: "user", content: "Weather?" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "two calls", signature: "x" },
          { type: "redacted_thinking", data: "opaque" },
          { type: "text", text: "I look." },
          { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Rome" }, cache_control: { type: "ephemeral" } },
          { type: "tool_use", id: "toolu_2", name: "weather", input: { city: "Oslo" } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "sun" }] },
          { type: "tool_result", tool_use_id: "toolu_2", content: "no such city", is_error: true },
          { type: "text", text: "And?" },
        ],
      },
    ];
    await opened.json(path, { ...hello, messages, tools: [{ ...weather, cache_control: { type: "ephemeral" }, eager_input_streaming: true }] });
    const prompt = promptOf(opened);
    const places = ["Weather?", "I look.", "Rome", "Oslo", "sun", "Error: no such city", "And?"].map(text => prompt.lastIndexOf(text));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(prompt).not.toContain("opaque");
  });

  test("as many tokens as count_tokens says, tools and all", async () => {
    const opened = open("Hi");
    const body = { messages: hello.messages, system: "Be brief.", tools: [weather], thinking: { type: "enabled", budget_tokens: 2000 } };
    const { input_tokens } = await opened.json(`${path}/count_tokens`, body);
    expect(opened.engine.sequences).toHaveLength(0);
    await opened.json(path, { ...body, max_tokens: 3000 });
    expect(opened.engine.sequences[0]!.request.prompt.length).toBe(input_tokens);
  });
});

describe("an answer that the client has begun", () => {
  test("is gone on from, and counted as it is read", async () => {
    const opened = open(" it is.");
    const { content } = await opened.json(path, begun);
    expect(content).toMatchObject([{ type: "text", text: " it is." }]);
    const { prompt } = opened.engine.sequences[0]!.request;
    expect(opened.service.tokenizer.decode(prompt, { skipSpecial: false })).toEndWith("<|im_start|>assistant\nSo");
    const { input_tokens } = await opened.json(`${path}/count_tokens`, { messages: begun.messages });
    expect(input_tokens).toBe(prompt.length);
  });

  test("streams what comes behind only", async () => {
    const text = await (await open(" it is.").post(path, { ...begun, stream: true })).text();
    expect([...text.matchAll(/"text_delta","text":"([^"]*)"/g)].map(([, delta]) => delta).join("")).toBe(" it is.");
  });
});

describe("a mistake", () => {
  const block = (part: object) => ({ ...hello, messages: [{ role: "user", content: [{ type: "text", text: "x" }, part] }] });
  const cases: [body: object, message: string | RegExp][] = [
    [{ messages: hello.messages }, "'max_tokens' is required."],
    [{ ...hello, messages: [] }, /'messages' must have at least 1 item/],
    [{ ...hello, messages: [{ role: "tool", content: "x" }] }, /'messages\[0\].role' must be "user" or "assistant" or "system"/],
    [
      { ...hello, messages: [...hello.messages, { role: "assistant", content: [{ type: "tool_use", id: "a", name: "f", input: {} }] }] },
      "'messages[1].content[0]' is a call: a message of the user with its 'tool_result' must follow.",
    ],
    [
      { ...begun, thinking: { type: "enabled", budget_tokens: 10 } },
      /'messages\[1\].content' begins the answer, which must then start with its thinking block/,
    ],
    [{ ...begun, tools: [weather], tool_choice: { type: "any" } }, /'tool_choice' cannot be combined with an answer that the client has begun/],
    [
      { ...begun, output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
      /'output_config.format.schema' cannot be combined with an answer that the client has begun/,
    ],
    [
      block({ type: "image", source: { type: "base64", media_type: "image/png", data: "" } }),
      /'messages\[0\].content\[1\].type' "image" is not supported/,
    ],
    [
      block({ type: "document", source: { type: "base64", media_type: "application/pdf", data: "" } }),
      /'messages\[0\].content\[1\].source.type' "base64"/,
    ],
    [block({ type: "tool_result", tool_use_id: "a", content: [{ type: "image" }] }), /'messages\[0\].content\[1\].content\[0\].type' "image"/],
    [block({ type: "tool_use", id: "a", name: "f", input: {} }), /'messages\[0\].content\[1\].type' "tool_use" does not belong/],
    [block({ type: "server_tool_use" }), /'messages\[0\].content\[1\].type' "server_tool_use" is not supported/],
    [{ ...hello, tools: [{ type: "web_search_20250305", name: "web_search" }] }, /'tools\[0\].type' must be "custom"/],
    [{ ...hello, tools: [{ name: "f" }] }, "'tools[0].input_schema' is required."],
    [{ ...hello, tools: [weather, weather] }, /'tools\[1\].name' "weather" is there twice/],
    [{ ...hello, tool_choice: { type: "any" } }, /'tool_choice.type' must not be "any" without tools/],
    [{ ...hello, tools: [weather], tool_choice: { type: "tool", name: "g" } }, /'tool_choice.name' "g" is not among the tools/],
    [{ ...hello, tools: [weather], tool_choice: { type: "some" } }, /'tool_choice.type' must be "auto" or "any" or "tool" or "none"/],
    [{ ...hello, thinking: { type: "enabled", budget_tokens: 100 } }, /'thinking.budget_tokens' must be below 'max_tokens'/],
    [{ ...hello, thinking: { type: "enabled" } }, "'thinking.budget_tokens' is required."],
    [{ ...hello, temperature: 1.5 }, /'temperature' must be at most 1, not 1.5/],
    [{ ...hello, container: "c" }, /'container' is not supported/],
  ];
  test.each(cases)("is told in Anthropic's form: %j", async (body, message) => {
    const { post, engine } = open("Hi");
    const response = await post(path, body);
    const answer = await response.json();
    const id = response.headers.get("request-id")!;
    expect([response.status, answer]).toEqual([
      400,
      { type: "error", error: { type: "invalid_request_error", message: expect.stringMatching(message) }, request_id: id },
    ]);
    expect(engine.sequences).toHaveLength(0);
  });

  test("that is no client's has a type of its own", async () => {
    const type = async (response: Response) => [response.status, ((await response.json()) as any).error.type];
    expect(await type(await open("Hi").post(path, { ...hello, model: "claude-nothing" }))).toEqual([404, "not_found_error"]);
    expect(await type(await open("Hi").post(path, "{"))).toEqual([400, "invalid_request_error"]);
    expect(await type(await open("Hi").send(path))).toEqual([405, "invalid_request_error"]);
    expect(await type(await open("Hi", { engine: { state: "restarting" } }).post(path, hello))).toEqual([503, "overloaded_error"]);
    const full = open({ ids: [], fail: { code: "overloaded", message: "Too many wait.", retryAfterSeconds: 2 } });
    const response = await full.post(path, hello);
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await type(response)).toEqual([529, "overloaded_error"]);
  });

  test("about the key is told likewise, and either header carries it", async () => {
    const { post } = open("Hi", { config: { apiKey: "secret" } });
    const status = async (headers: Record<string, string>) => (await post(path, hello, { headers })).status;
    expect(await status({ "x-api-key": "secret" })).toBe(200);
    expect(await status({ authorization: "Bearer secret" })).toBe(200);
    const denied = await post(path, hello, { headers: { "x-api-key": "wrong" } });
    expect([denied.status, ((await denied.json()) as any).error.type]).toEqual([401, "authentication_error"]);
  });
});

test("beta headers, versions and unknown fields are no reason to fail", async () => {
  const { post } = open("Hi");
  const headers = { "anthropic-beta": "claude-code-20250219,never-heard-of-2030", "anthropic-version": "2023-06-01" };
  const more = { metadata: { user_id: "u" }, context_management: { edits: [] }, cache_control: { type: "ephemeral" }, novelty: 1 };
  const response = await post(`${path}?beta=true`, { ...hello, ...more }, { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get("x-pippin-ignored")).toBe("novelty");
  expect(response.headers.get("request-id")).toMatch(/^req_/);
});

test("both dialects read the same answer out of the same output", async () => {
  const { json } = open(`<think>\nhm\n</think>\n\nYes. ${call("Rome")}\n${call("Oslo")}`);
  const parameters = weather.input_schema;
  const chat = await json("/v1/chat/completions", {
    messages: hello.messages,
    tools: [{ type: "function", function: { name: weather.name, description: weather.description, parameters } }],
    enable_thinking: true,
  });
  const { content } = await json(path, { ...hello, tools: [weather], thinking: { type: "adaptive" } });
  const texts = (type: string, field: string) =>
    content
      .filter((block: any) => block.type === type)
      .map((block: any) => block[field])
      .join("");
  const { message } = chat.choices[0];
  expect([texts("thinking", "thinking"), texts("text", "text")]).toEqual([message.reasoning, message.content]);
  expect(message.tool_calls.map((call: any) => [call.function.name, JSON.parse(call.function.arguments)])).toEqual(
    content.filter((block: any) => block.type === "tool_use").map((block: any) => [block.name, block.input]),
  );
});
