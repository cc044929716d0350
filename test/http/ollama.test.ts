// Ollama's routes over a scripted engine.
import { expect, test } from "bun:test";
import { openEncoders } from "./encoders.ts";
import { open, say } from "./open.ts";

const messages = [{ role: "user", content: "Hello" }];
const lines = async (response: Response) =>
  (await response.text())
    .trimEnd()
    .split("\n")
    .map(line => JSON.parse(line));
const weather = { type: "function", function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } } };

test("a chat streams one object per line and ends with counts and times in nanoseconds", async () => {
  const { post } = open("Hello there", { openAfterMs: 0 });
  const response = await post("/api/chat", { model: "org/mini:latest", messages });
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  const all = await lines(response);
  expect(all.map(({ message }) => message.content).join("")).toBe("Hello there");
  expect(all.slice(0, -1).every(({ done, model }) => done === false && model === "org/mini:latest")).toBe(true);
  const last = all.at(-1);
  expect(last).toMatchObject({ done: true, done_reason: "stop", load_duration: 0, message: { role: "assistant", content: "" } });
  expect(last.eval_count).toBeGreaterThan(1);
  for (const name of ["total_duration", "prompt_eval_duration", "eval_duration"]) expect(Number.isInteger(last[name])).toBe(true);
  expect(last.total_duration).toBeGreaterThanOrEqual(last.eval_duration);
});

test("without a stream the answer is one object", async () => {
  const { json } = open("Hello there");
  const whole = await json("/api/chat", { messages, stream: false, options: { num_predict: 1 } });
  expect(whole).toMatchObject({ model: "org/mini", done: true, done_reason: "length", eval_count: 1 });
  expect(await json("/api/generate", { prompt: "Hello", stream: false })).toMatchObject({ response: "Hello there", done_reason: "stop" });
  expect(await json("/api/generate", { prompt: "Hello", raw: true, stream: false })).toMatchObject({ response: "Hello there" });
});

test("options reach the engine", async () => {
  const { json, engine } = open("Hi");
  const options = {
    temperature: 0.5,
    top_p: 0.4,
    top_k: 3,
    min_p: 0.1,
    seed: 7,
    num_predict: 9,
    num_ctx: 2048,
    repeat_penalty: 1.5,
    presence_penalty: 0.2,
  };
  await json("/api/chat", { messages, stream: false, options: { ...options, frequency_penalty: 0.3, stop: ["x"] } });
  expect(engine.sequences[0]!.request).toMatchObject({
    maxTokens: 9,
    sampling: { temperature: 0.5, topP: 0.4, topK: 3, minP: 0.1, seed: 7, repetitionPenalty: 1.5, presencePenalty: 0.2, frequencyPenalty: 0.3 },
  });
});

test("a raw prompt is not put into the template", async () => {
  const { json, engine, service } = open("Hi");
  await json("/api/generate", { prompt: "Hello", raw: true, stream: false });
  await json("/api/generate", { prompt: "Hello", system: "Be brief.", stream: false });
  const [raw, chat] = engine.sequences.map(({ request }) => service.tokenizer.decode(request.prompt, { skipSpecial: false }));
  expect(raw).toBe("Hello");
  expect(chat).toContain("Be brief.");
});

test("calls and results have arguments as objects and need no ids", async () => {
  const { json, post, engine, service } = open([say('<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>')]);
  const call = { id: expect.any(String), function: { index: 0, name: "weather", arguments: { city: "Rome" } } };
  const { message } = await json("/api/chat", { messages, tools: [weather], stream: false });
  expect(message.tool_calls).toEqual([call]);
  const all = await lines(await post("/api/chat", { messages, tools: [weather] }));
  expect(all.flatMap(({ message }) => message.tool_calls ?? [])).toEqual([call]);
  const calls = [{ function: { name: "weather", arguments: { city: "Rome" } } }];
  const history = [...messages, { role: "assistant", tool_calls: calls }, { role: "tool", tool_name: "weather", content: "19 degrees" }];
  await json("/api/chat", { messages: history, tools: [weather], stream: false });
  expect(service.tokenizer.decode(engine.sequences.at(-1)!.request.prompt, { skipSpecial: false })).toContain("19 degrees");
});

test("format holds the answer to JSON or to a schema", async () => {
  const { json, engine } = open('{"a":1}');
  for (const format of ["json", { type: "object", properties: { a: { type: "integer" } } }, ""])
    await json("/api/chat", { messages, format, stream: false });
  expect(engine.sequences.map(({ request }) => request.grammar !== undefined)).toEqual([true, true, false]);
  expect((await json("/api/chat", { messages, format: { type: "nothing" } }, 400)).error).toContain("format");
});

test("a request without a question says that the model is loaded", async () => {
  const { json, engine } = open("Hi");
  expect(await json("/api/generate", { model: "mini" })).toMatchObject({ model: "mini", response: "", done: true, done_reason: "load" });
  expect(await json("/api/chat", { model: "mini:latest" })).toMatchObject({ done: true, done_reason: "load" });
  expect(engine.sequences).toEqual([]);
});

test("what is not served is refused by name, in Ollama's shape", async () => {
  const { json, send } = open("Hi");
  for (const [path, body, word] of [
    ["/api/chat", { messages: [{ role: "user", content: "x", images: ["aGk="] }] }, "messages[0].images"],
    ["/api/chat", { messages, keep_alive: 0 }, "keep_alive"],
    ["/api/chat", { messages, keep_alive: "0s" }, "keep_alive"],
    ["/api/chat", { messages, options: { mirostat: 2 } }, "options.mirostat"],
    ["/api/chat", { messages, options: { temperature: "hot" } }, "options.temperature"],
    ["/api/chat", { messages: [{ role: "robot", content: "x" }] }, "messages[0].role"],
    ["/api/chat", { messages, tools: [weather, weather] }, "tools[1].function.name"],
    ["/api/generate", { prompt: "x", template: "{{ .Prompt }}" }, "template"],
    ["/api/generate", { prompt: "x", images: ["aGk="] }, "images"],
    ["/api/generate", { prompt: "x", raw: true, system: "y" }, "system"],
    ["/api/generate", { prompt: "x", context: [1, 2] }, "context"],
    ["/api/generate", { prompt: "x", suffix: "y" }, "suffix"],
    ["/api/embed", {}, "input"],
    ["/api/pull", { model: "x" }, "pulled"],
    ["/api/copy", {}, "copied"],
  ] as const) {
    const answer = await json(path, body, 400);
    expect(Object.keys(answer)).toEqual(["error"]);
    expect(answer.error).toContain(word);
  }
  expect(await json("/api/chat", { model: "other", messages }, 404)).toEqual({ error: expect.stringContaining("'other' does not exist") });
  expect((await send("/api/delete", { method: "DELETE" })).status).toBe(400);
  expect(await (await send("/api/nothing")).json()).toEqual({ error: expect.any(String) });
});

test("a stream that fails ends with the error on a line", async () => {
  const { post } = open({ ids: [300, 301], fail: { code: "memory", message: "no room" } });
  expect((await lines(await post("/api/chat", { messages }))).at(-1)).toEqual({ error: "no room" });
});

test("models are listed, shown and said to be loaded", async () => {
  const { json, send } = open("Hi");
  const { models } = (await (await send("/api/tags")).json()) as any;
  expect(models).toEqual([expect.objectContaining({ name: "org/mini:latest", model: "org/mini:latest", size: 2000 })]);
  expect(((await (await send("/api/ps")).json()) as any).models[0]).toMatchObject({ size_vram: 2000, context_length: 4096 });
  expect(await (await send("/api/version")).json()).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/), pippin: "1.2.3" });
  const shown = await json("/api/show", { model: "org/mini:latest" });
  expect(shown.capabilities).toContain("tools");
  expect(shown.model_info).toMatchObject({ "general.architecture": "fake", "fake.context_length": 4096 });
  expect((await json("/api/show", { name: "none" }, 404)).error).toContain("'none'");
});

test("texts are embedded, cut or refused as the request says", async () => {
  const { json } = openEncoders({ maxLength: 8 });
  const answer = await json("/api/embed", { model: "org/encoder:latest", input: ["one", "two"] });
  expect(answer).toMatchObject({ model: "org/encoder:latest", load_duration: 0 });
  expect(answer.embeddings).toHaveLength(2);
  const { embedding } = await json("/api/embeddings", { model: "org/encoder", prompt: "one" });
  expect(embedding).toEqual(answer.embeddings[0]);
  const long = "one two three four five six seven eight nine ten";
  expect((await json("/api/embed", { input: long })).embeddings).toHaveLength(1);
  expect((await json("/api/embed", { input: long, truncate: false }, 400)).error).toContain("input");
  expect((await json("/api/show", { model: "org/encoder" })).capabilities).toEqual(["embedding"]);
});

test.each(["text/plain", "application/x-www-form-urlencoded"])("a body sent as %s is read, as Ollama does, unless a page sent it", async type => {
  const { post } = open("Hello there");
  const ask = async (headers: Record<string, string>) =>
    (await post("/api/chat", { messages, stream: false }, { headers: { "content-type": type, ...headers } })).status;
  expect(await ask({})).toBe(200);
  expect(await ask({ origin: "null" })).toBe(400);
  expect(await ask({ "sec-fetch-site": "cross-site" })).toBe(400);
});
