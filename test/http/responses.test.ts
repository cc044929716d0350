// Wire transcripts of /v1/responses: what a client reads, and what the model is given to read.
import { describe, expect, test } from "bun:test";
import { until } from "../helpers/until.ts";
import { ids, open, say } from "./open.ts";

const path = "/v1/responses";
const hello = { input: "Hello" };
const parameters = { type: "object", properties: { city: { type: "string" } } };
const weather = { type: "function", name: "weather", description: "Tells the weather.", parameters };
const call = (name: string, given: object) => `<tool_call>\n{"name": "${name}", "arguments": ${JSON.stringify(given)}}\n</tool_call>`;

/** The events of a stream: each under its own name, numbered without gaps. */
async function events(response: Response): Promise<any[]> {
  expect(response.headers.get("content-type")).toStartWith("text/event-stream");
  const frames = (await response.text()).slice(0, -2).split("\n\n");
  return frames.map((frame, at) => {
    const [, name, data] = /^event: ([\w.]+)\ndata: (.*)$/.exec(frame)!;
    const event = JSON.parse(data!);
    expect([event.type, event.sequence_number]).toEqual([name, at]);
    return event;
  });
}

function promptOf({ engine, service }: ReturnType<typeof open>): string {
  return service.tokenizer.decode(engine.sequences.at(-1)!.request.prompt, { skipSpecial: false });
}

/** The texts stand in the prompt, in this order. */
function expectInOrder(prompt: string, texts: readonly string[]): void {
  const places = texts.map(text => prompt.indexOf(text));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
}

describe("a response", () => {
  test("is one object", async () => {
    const { json } = open(say("Hi there", { cachedTokens: 3 }));
    const answer = await json(path, { model: "mini", ...hello, metadata: { a: "b" }, temperature: 0.5 });
    expect(answer).toMatchObject({
      id: expect.stringMatching(/^resp_[0-9a-f]{32}$/),
      object: "response",
      status: "completed",
      error: null,
      incomplete_details: null,
      instructions: null,
      metadata: { a: "b" },
      model: "mini",
      output: [
        {
          id: expect.stringMatching(/^msg_/),
          type: "message",
          status: "completed",
          role: "assistant",
          content: [{ type: "output_text", text: "Hi there", annotations: [], logprobs: [] }],
        },
      ],
      output_text: "Hi there",
      parallel_tool_calls: true,
      previous_response_id: null,
      store: true,
      temperature: 0.5,
      text: { format: { type: "text" } },
      tool_choice: "auto",
      tools: [],
      truncation: "disabled",
    });
    const { input_tokens, output_tokens, total_tokens, input_tokens_details } = answer.usage;
    expect([output_tokens, total_tokens, input_tokens_details]).toEqual([
      ids("Hi there").length + 1,
      input_tokens + output_tokens,
      { cached_tokens: 3 },
    ]);
  });

  test("has thinking, text and calls as items, in the order in which they were written", async () => {
    const { json } = open(`<think>\nhm\n</think>\n\nI look.${call("weather", { city: "Rome" })}`);
    const { output } = await json(path, { ...hello, tools: [weather], include: ["reasoning.encrypted_content"] });
    expect(output).toMatchObject([
      { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "hm" }], encrypted_content: expect.any(String) },
      { type: "message", content: [{ text: "I look." }] },
      { type: "function_call", call_id: expect.stringMatching(/^call_/), name: "weather", status: "completed" },
    ]);
    expect(JSON.parse(output[2].arguments)).toEqual({ city: "Rome" });
  });

  test("that is cut is incomplete", async () => {
    const { json } = open("one two three four");
    const answer = await json(path, { ...hello, max_output_tokens: 2 });
    expect(answer).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" }, output: [{ status: "incomplete" }] });
  });

  test("has log probabilities when they are included", async () => {
    const { json, post } = open("Hi you");
    const body = { ...hello, include: ["message.output_text.logprobs"], top_logprobs: 1 };
    const [{ content }] = (await json(path, body)).output;
    expect(content[0].logprobs.map((token: any) => token.token).join("")).toBe("Hi you");
    const all = await events(await post(path, { ...body, stream: true }));
    const deltas = all.filter(event => event.type === "response.output_text.delta");
    expect(deltas.flatMap(event => event.logprobs)).toEqual(content[0].logprobs);
  });
});

describe("a stream of a response", () => {
  test("tells every step of every item, in the order in which Codex reads them", async () => {
    const { post } = open(`<think>\nhm\n</think>\n\nSo:${call("weather", { city: "Rome" })}`);
    const all = await events(await post(path, { ...hello, stream: true, tools: [weather] }));
    const steps = all.map(event => event.type.replace("response.", ""));
    expect(steps.filter((step, at) => step !== steps[at - 1])).toEqual([
      "created",
      "in_progress",
      "output_item.added",
      "content_part.added",
      "reasoning_text.delta",
      "reasoning_text.done",
      "content_part.done",
      "output_item.done",
      "output_item.added",
      "content_part.added",
      "output_text.delta",
      "output_text.done",
      "content_part.done",
      "output_item.done",
      "output_item.added",
      "function_call_arguments.delta",
      "function_call_arguments.done",
      "output_item.done",
      "completed",
    ]);
    expect(all[0].response).toMatchObject({ status: "in_progress", output: [], usage: null, tools: [weather] });
    const added = all.filter(event => event.type === "response.output_item.added");
    expect(added.map(event => [event.output_index, event.item.type, event.item.status])).toEqual([
      [0, "reasoning", "in_progress"],
      [1, "message", "in_progress"],
      [2, "function_call", "in_progress"],
    ]);
    for (const event of all.slice(2, -1)) {
      const { item } = added[event.output_index];
      expect(event.item_id ?? event.item.id).toBe(item.id);
    }
    const last = all.at(-1)!.response;
    expect(last.output).toEqual(all.filter(event => event.type === "response.output_item.done").map(event => event.item));
    const text = (type: string) => all.flatMap(event => (event.type === type ? event.delta : [])).join("");
    expect([text("response.reasoning_text.delta"), text("response.output_text.delta"), text("response.function_call_arguments.delta")]).toEqual([
      "hm",
      "So:",
      last.output[2].arguments,
    ]);
  });

  test.each([
    ["Hello, world", {}],
    ["one two three four", { max_output_tokens: 2 }],
    [`<think>\nhm\n</think>\n\nYes.${call("weather", { city: "Rome" })}\n${call("weather", { city: "Oslo" })} Done`, {}],
    ["", {}],
  ])("ends as the whole response: %j %j", async (text, more) => {
    const { json, post } = open(text);
    const body = { ...hello, tools: [weather], ...more };
    const whole = await json(path, body);
    const streamed = (await events(await post(path, { ...body, stream: true }))).at(-1)!;
    expect(streamed.type).toBe(`response.${whole.status}`);
    const plain = (response: any) => JSON.parse(JSON.stringify(response).replace(/"(resp|msg|rs|fc|call)_[0-9a-f]+"/g, '"$1"'));
    expect(plain(streamed.response)).toEqual({
      ...plain(whole),
      created_at: expect.any(Number),
      completed_at: whole.completed_at && expect.any(Number),
    });
  });

  test("shows life with events, not with comments", async () => {
    const { post } = open({ ids: ids("ab"), delay: 60 }, { keepAliveMs: 10, openAfterMs: 5 });
    const all = await events(await post(path, { ...hello, stream: true }));
    expect(all.filter(event => event.type === "response.in_progress").length).toBeGreaterThan(2);
    expect(all.at(-1)!.response.output_text).toBe("ab");
  });

  test("that fails ends with what there is and the reason", async () => {
    const { post } = open({ ids: ids("ab"), fail: { code: "engine_lost", message: "It is gone." } });
    const { type, response } = (await events(await post(path, { ...hello, stream: true }))).at(-1)!;
    expect([type, response.status, response.error]).toEqual(["response.failed", "failed", { code: "server_error", message: "It is gone." }]);
    expect(response.output[0]).toMatchObject({ status: "incomplete", content: [{ text: "ab" }] });
  });
});

describe("the model reads", () => {
  test("instructions and the developer's opening as one system message, and later ones where they stand", async () => {
    const opened = open("Hi");
    const input = [
      { type: "message", role: "developer", content: [{ type: "input_text", text: "Obey the sandbox." }] },
      { role: "user", content: [{ type: "input_text", text: "first" }] },
      { type: "message", role: "assistant", id: "msg_1", status: "completed", content: [{ type: "output_text", text: "second", annotations: [] }] },
      { role: "developer", content: "Now hurry." },
      { role: "user", content: "third" },
    ];
    await opened.json(path, { input, instructions: "You are Codex.", store: false });
    const prompt = promptOf(opened);
    expectInOrder(prompt, ["You are Codex.\n\nObey the sandbox.", "first", "second", "Now hurry.", "third"]);
  });

  test("what was thought, said and called as one message of the assistant, then the outputs", async () => {
    const opened = open("Hi");
    const input = [
      { role: "user", content: "Weather?" },
      { type: "reasoning", id: "rs_1", summary: [], content: [{ type: "reasoning_text", text: "two calls" }] },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "I look." }] },
      { type: "function_call", call_id: "c1", name: "weather", arguments: '{"city":"Rome"}' },
      { type: "function_call", call_id: "c2", name: "weather", arguments: '{"city":"Oslo"}' },
      { type: "function_call_output", call_id: "c1", output: "sun" },
      { type: "function_call_output", call_id: "c2", output: [{ type: "input_text", text: "rain" }] },
    ];
    await opened.json(path, { input, tools: [weather] });
    const prompt = promptOf(opened);
    expectInOrder(prompt, ["Weather?", "I look.", "Rome", "Oslo", "sun", "rain"]);
    expect(prompt.match(/<\|im_start\|>assistant/g)).toHaveLength(2); // the turn, and the one that is opened
  });

  test("as many tokens as input_tokens says", async () => {
    const opened = open("Hi");
    const body = { input: "Hello", instructions: "Be brief.", tools: [weather] };
    const { input_tokens } = await opened.json(`${path}/input_tokens`, body);
    expect((await opened.json(path, body)).usage.input_tokens).toBe(input_tokens);
  });

  test("thinking that the client gives back, in the open or as encrypted_content", async () => {
    const opened = open([say("<think>\nthe secret\n</think>\n\nYes"), say("Hi")]);
    const { output } = await opened.json(path, { ...hello, store: false, include: ["reasoning.encrypted_content"] });
    const { content, ...sealed } = output[0];
    const next = (item: object, more: object[] = []) => ({ store: false, input: [{ role: "user", content: "Hello" }, item, output[1], ...more] });
    const tokens = async (item: object) => (await opened.json(`${path}/input_tokens`, { input: next(item).input })).input_tokens;
    expect(await tokens(sealed)).toBe(await tokens(output[0]));
    const foreign = await opened.post(path, next({ type: "reasoning", summary: [], encrypted_content: "gAAAA" }, [{ role: "user", content: "?" }]));
    expect(foreign.headers.get("x-pippin-ignored")).toBe("encrypted_content");
  });
});

describe("tools of other kinds", () => {
  const patch = { type: "custom", name: "apply_patch", description: "Changes files.", format: { type: "text" } };

  test("a custom tool is called with a text, which streams without its JSON", async () => {
    const text = 'line "one"\n\\ two 😀';
    const { json, post } = open(call("apply_patch", { input: text }));
    const { output } = await json(path, { ...hello, tools: [patch] });
    expect(output).toMatchObject([{ type: "custom_tool_call", id: expect.stringMatching(/^ctc_/), name: "apply_patch", input: text }]);
    const all = await events(await post(path, { ...hello, tools: [patch], stream: true }));
    const deltas = all.filter(event => event.type === "response.custom_tool_call_input.delta");
    expect(deltas.map(event => event.delta).join("")).toBe(text);
    expect(all.find(event => event.type === "response.custom_tool_call_input.done")).toMatchObject({ input: text });
  });

  test("tools of a group are called with the group's name beside their own", async () => {
    const group = { type: "namespace", name: "mcp__files__", description: "Files.", tools: [{ type: "function", name: "read", parameters }, patch] };
    const opened = open(`${call("mcp__files__read", { city: "x" })}\n${call("mcp__files__apply_patch", { input: "p" })}`);
    const { output } = await opened.json(path, { ...hello, tools: [group] });
    expect(output).toMatchObject([
      { type: "function_call", name: "read", namespace: "mcp__files__" },
      { type: "custom_tool_call", name: "apply_patch", namespace: "mcp__files__", input: "p" },
    ]);
    const again = [{ role: "user", content: "x" }, ...output, { type: "custom_tool_call_output", call_id: output[1].call_id, output: "done" }];
    await opened.json(path, { input: again, tools: [group] });
    expectInOrder(promptOf(opened), ["mcp__files__read", '"p"', "done"]);
  });

  test("tools that OpenAI's servers run and Codex always sends are left out, and named", async () => {
    const opened = open("Hi");
    const response = await opened.post(path, { ...hello, tools: [weather, { type: "web_search", external_web_access: false }] });
    expect([response.status, response.headers.get("x-pippin-ignored")]).toEqual([200, "tools.web_search"]);
    expect(promptOf(opened)).not.toContain("web_search");
  });
});

describe("a stored response", () => {
  test("is gone on from, without its instructions", async () => {
    const opened = open([say("My name is Pip."), say("Pip.")]);
    const first = await opened.json(path, { input: "Who are you?", instructions: "Be a hobbit." });
    const second = await opened.json(path, { input: "Again?", previous_response_id: first.id });
    const prompt = promptOf(opened);
    expectInOrder(prompt, ["Who are you?", "My name is Pip.", "Again?"]);
    expect(prompt).not.toContain("hobbit");
    expect(second.previous_response_id).toBe(first.id);
  });

  test("of a stream is the same", async () => {
    const { post, send } = open("Hi");
    const last = (await events(await post(path, { ...hello, stream: true }))).at(-1)!.response;
    expect(await (await send(`${path}/${last.id}`)).json()).toEqual(last);
  });

  test("is read, listed and deleted", async () => {
    const { json, send } = open("Hi");
    const first = await json(path, {
      input: [
        { role: "user", content: "one" },
        { role: "user", content: "two" },
      ],
    });
    const { id } = await json(path, { input: "three", previous_response_id: first.id });
    const get = async (rest: string) => (await send(`${path}/${id}${rest}`)).json() as Promise<any>;
    expect((await get("")).id).toBe(id);
    const texts = ({ data }: any) => data.map((item: any) => item.content[0].text);
    expect(texts(await get("/input_items"))).toEqual(["three", "Hi", "two", "one"]);
    const page = await get("/input_items?order=asc&limit=2");
    expect([texts(page), page.has_more]).toEqual([["one", "two"], true]);
    const rest = await get(`/input_items?order=asc&after=${page.last_id}`);
    expect([texts(rest), rest.has_more]).toEqual([["Hi", "three"], false]);
    expect((await get("/input_items?limit=0")).error.param).toBe("limit");
    expect((await get("/input_items?limit=x")).error.param).toBe("limit");
    expect((await get("/input_items?after=nothing")).error.param).toBe("after");
    expect((await get("?stream=true")).error).toMatchObject({ param: "stream", code: "unsupported_parameter" });
    expect(await (await send(`${path}/${id}`, { method: "DELETE" })).json()).toEqual({ id, object: "response", deleted: true });
    expect((await get("")).error.code).toBe("response_not_found");
  });

  test("is referred to by its items", async () => {
    const opened = open("My name is Pip.");
    const { output } = await opened.json(path, hello);
    await opened.json(path, {
      input: [
        { role: "user", content: "Hello" },
        { type: "item_reference", id: output[0].id },
        { role: "user", content: "?" },
      ],
    });
    expectInOrder(promptOf(opened), ["Hello", "My name is Pip.", "?"]);
  });

  test("is not there when it was not to be stored", async () => {
    const { json, send } = open("Hi");
    const { id } = await json(path, { ...hello, store: false });
    expect((await send(`${path}/${id}`)).status).toBe(404);
    const { error } = await json(path, { input: "x", previous_response_id: id }, 400);
    expect(error.param).toBe("previous_response_id");
  });
});

describe("a background response", () => {
  test("is read later", async () => {
    const { json, send, engine } = open({ ids: ids("Hi you"), delay: 5 });
    const { id, status } = await json(path, { ...hello, background: true });
    expect(status).toBe("in_progress");
    await until(() => engine.running === 1, "it runs");
    const state = async () => (await send(`${path}/${id}`)).json() as Promise<any>;
    await until(() => engine.running === 0, "it ends");
    await Bun.sleep(0);
    const last = await state();
    expect([last.status, last.output_text, last.background]).toEqual(["completed", "Hi you", true]);
    expect((await send(`${path}/${id}/cancel`, { method: "POST" })).status).toBe(400);
  });

  test("is cancelled", async () => {
    const { json, send, engine } = open({ ids: ids("Hi"), hang: true });
    const { id } = await json(path, { ...hello, background: true });
    await until(() => engine.running === 1, "it runs");
    const cancelled: any = await (await send(`${path}/${id}/cancel`, { method: "POST" })).json();
    expect([cancelled.id, cancelled.status]).toEqual([id, "cancelled"]);
    await until(() => engine.running === 0, "the engine hears of it");
    expect(((await (await send(`${path}/${id}`)).json()) as any).status).toBe("cancelled");
  });

  test("that is deleted does not come back", async () => {
    const { json, send, engine } = open({ ids: ids("Hi"), hang: true });
    const { id } = await json(path, { ...hello, background: true });
    await until(() => engine.running === 1, "it runs");
    await send(`${path}/${id}`, { method: "DELETE" });
    await until(() => engine.running === 0, "the engine hears of it");
    expect((await send(`${path}/${id}`)).status).toBe(404);
  });
});

describe("a mistake", () => {
  const item = (part: object) => ({ input: [{ role: "user", content: "x" }, part] });
  const cases: [body: object, param: string, message: string | RegExp][] = [
    [{}, "input", /is required/],
    [{ input: 5 }, "input", /must be a string or a list/],
    [item({ role: "tool", content: "x" }), "input[1].role", /must be "user"/],
    [item({ type: "web_search_call" }), "input[1].type", /is not supported/],
    [item({ type: "novelty" }), "input[1].type", /must be "message" or "reasoning"/],
    [item({ type: "item_reference", id: "msg_nothing" }), "input[1].id", /names no item/],
    [item({ role: "user", content: [{ type: "input_image", image_url: "x" }] }), "input[1].content[0].type", /only text is read/],
    [item({ type: "function_call_output", output: "x" }), "input[1].call_id", /is required/],
    [{ ...hello, tools: [{ type: "function" }] }, "tools[0].name", /is required/],
    [{ ...hello, tools: [weather, { type: "mcp", server_label: "x" }] }, "tools[1].type", /"mcp" is not supported: it belongs to a tool that OpenAI/],
    [{ ...hello, tools: [{ type: "file_search" }] }, "tools[0].type", /is not supported/],
    [{ ...hello, tools: [{ type: "novelty" }] }, "tools[0].type", /must be "function" or "custom" or "namespace" or "web_search"/],
    [{ ...hello, tools: [weather, weather] }, "tools[1].name", /is there twice/],
    [{ ...hello, tools: [weather], tool_choice: { type: "function", name: "g" } }, "tool_choice", /"g", which is not among/],
    [{ ...hello, tool_choice: { type: "web_search" } }, "tool_choice.type", /is not supported/],
    [{ ...hello, tool_choice: "required" }, "tool_choice", /without tools/],
    [{ ...hello, background: true, store: false }, "background", /needs 'store'/],
    [{ ...hello, background: true, stream: true }, "background", /together with 'stream'/],
    [{ ...hello, include: ["novelty"] }, "include[0]", /must be "reasoning.encrypted_content" or/],
    [{ ...hello, truncation: "auto" }, "truncation", /never cut in silence/],
    [{ ...hello, conversation: "conv_1" }, "conversation", /is not supported/],
    [{ ...hello, top_logprobs: 2 }, "top_logprobs", /needs "message.output_text.logprobs"/],
    [{ ...hello, temperature: 3 }, "temperature", /at most 2/],
  ];
  test.each(cases)("is told by name: %j", async (body, param, message) => {
    const { json, engine } = open("Hi");
    const { error } = await json(path, body, 400);
    expect([error.param, error.type]).toEqual([param, "invalid_request_error"]);
    expect(error.message).toMatch(message);
    expect(engine.sequences).toHaveLength(0);
  });
});

test("a session of Codex CLI's shape goes through, and its prefix stays", async () => {
  const opened = open([say(call("shell", { command: ["ls"] })), say("Done.")]);
  const shell = {
    type: "function",
    name: "shell",
    description: "Runs a command.",
    strict: false,
    parameters: { type: "object", properties: { command: { type: "array", items: { type: "string" } } } },
  };
  const base = {
    model: "mini",
    instructions: "You are a coding agent.",
    tools: [shell, { type: "web_search", external_web_access: false }],
    tool_choice: "auto",
    parallel_tool_calls: false,
    reasoning: { effort: "medium", summary: "auto" },
    store: false,
    stream: true,
    include: ["reasoning.encrypted_content"],
    prompt_cache_key: "0199-aa",
    client_metadata: { "x-codex-installation-id": "1" },
  };
  const input: object[] = [
    { type: "message", role: "developer", content: [{ type: "input_text", text: "<permissions instructions>" }] },
    { type: "message", role: "user", content: [{ type: "input_text", text: "<environment_context>" }] },
    { type: "message", role: "user", content: [{ type: "input_text", text: "List files." }] },
  ];
  const first = await events(await opened.post(path, { ...base, input }));
  const items = first.filter(event => event.type === "response.output_item.done").map(event => event.item);
  const before = promptOf(opened);
  const output = { type: "function_call_output", call_id: items.at(-1).call_id, output: "a.txt" };
  const second = await events(await opened.post(path, { ...base, input: [...input, ...items, output] }));
  expect(second.at(-1)).toMatchObject({
    type: "response.completed",
    response: { output_text: "Done.", usage: { total_tokens: expect.any(Number) } },
  });
  const stays = before.slice(0, before.lastIndexOf("<|im_start|>assistant"));
  expect(promptOf(opened)).toStartWith(stays);
});
