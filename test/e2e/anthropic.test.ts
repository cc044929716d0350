// The official Anthropic client against the executable and its built-in model.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { startServer, type Server } from "../helpers/server.ts";

let server: Server;
let client: Anthropic;
const model = "pippin-mini";
const hello = [{ role: "user" as const, content: "Hello! Who are you?" }];
const weather: Anthropic.Tool = {
  name: "get_weather",
  description: "Get the current weather in a city.",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const greedy: object = { temperature: 0 }; // this client's types no longer have it

beforeAll(async () => {
  server = await startServer();
  client = new Anthropic({ baseURL: server.url, apiKey: "unused", maxRetries: 0 });
});
afterAll(() => server[Symbol.asyncDispose]());

const textOf = (content: readonly Anthropic.ContentBlock[]) => content.map(block => (block.type === "text" ? block.text : "")).join("");

test("the built-in model is listed and read with Anthropic's fields", async () => {
  const known = { id: model, type: "model", display_name: model, created_at: expect.any(String), max_input_tokens: 4096 };
  const listed = await Array.fromAsync(client.models.list());
  expect(listed).toMatchObject([known]);
  expect(await client.models.retrieve(model)).toMatchObject(known);
});

test("a message has text, a reason to stop and a usage", async () => {
  const message = await client.messages.create({ model, messages: hello, max_tokens: 40, ...greedy });
  expect(message).toMatchObject({ type: "message", role: "assistant", model, stop_sequence: null });
  expect(message.content[0]!.type).toBe("text");
  expect(["end_turn", "max_tokens"]).toContain(message.stop_reason!);
  expect(message.usage.input_tokens).toBeGreaterThan(0);
  expect(message.usage.output_tokens).toBeGreaterThan(0);
  expect(message._request_id).toMatch(/^req_/);
});

test("the same again comes out of the cache", async () => {
  const messages = [{ role: "user" as const, content: `Tell me about ${"the sea and the wind over it and ".repeat(20)} rain.` }];
  const ask = async () => (await client.messages.create({ model, messages, max_tokens: 4 })).usage;
  const [first, second] = [await ask(), await ask()];
  expect(second.cache_read_input_tokens!).toBeGreaterThan(0);
  expect(second.input_tokens + second.cache_read_input_tokens!).toBe(first.input_tokens + first.cache_read_input_tokens!);
});

test("streamed says the same as whole, by the client's own events and its own sum", async () => {
  const request = { model, messages: hello, max_tokens: 40, ...greedy };
  const whole = await client.messages.create(request);
  const stream = client.messages.stream(request);
  let text = "";
  stream.on("text", delta => (text += delta));
  const message = await stream.finalMessage();
  expect(text).toBe(textOf(whole.content));
  expect(JSON.stringify(message.content)).toBe(JSON.stringify(whole.content));
  expect(message.stop_reason).toBe(whole.stop_reason);
  expect(message.usage.output_tokens).toBe(whole.usage.output_tokens);
});

test("thinking comes as blocks that can be given back", async () => {
  const request = { model, messages: hello, max_tokens: 200, ...greedy, thinking: { type: "enabled" as const, budget_tokens: 100 } };
  const { content } = await client.messages.stream(request).finalMessage();
  for (const block of content) if (block.type === "thinking") expect(block.signature).not.toBe("");
  const messages = [...hello, { role: "assistant" as const, content }, { role: "user" as const, content: "And now?" }];
  expect((await client.messages.create({ ...request, messages })).type).toBe("message");
});

test("an answer goes on from where the client has begun it", async () => {
  const messages = [
    { role: "user" as const, content: "What is the capital of France?" },
    { role: "assistant" as const, content: "The capital of France is" },
  ];
  const request = { model, messages, max_tokens: 40, ...greedy };
  const message = await client.messages.create(request);
  expect(textOf(message.content)).toMatch(/^ Paris\b/);
  expect(textOf((await client.messages.stream(request).finalMessage()).content)).toBe(textOf(message.content));
});

test("a stop sequence ends the text before itself", async () => {
  const request = { model, messages: hello, max_tokens: 40, ...greedy };
  const text = textOf((await client.messages.create(request)).content);
  const stop = text.slice(3, 5);
  const stopped = await client.messages.create({ ...request, stop_sequences: [stop] });
  expect([stopped.stop_reason, stopped.stop_sequence, textOf(stopped.content)]).toEqual(["stop_sequence", stop, text.slice(0, text.indexOf(stop))]);
});

describe("tools", () => {
  test("results of two calls, one of them an error, go back in", async () => {
    const messages: Anthropic.MessageParam[] = [
      { role: "user", content: "What is the weather in Rome and in Oslo?" },
      {
        role: "assistant",
        content: [
          { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Rome" } },
          { type: "tool_use", id: "toolu_2", name: "get_weather", input: { city: "Oslo" } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_1", content: "sunny, 25 degrees" },
          { type: "tool_result", tool_use_id: "toolu_2", content: "no such city", is_error: true },
        ],
      },
    ];
    const message = await client.messages.create({ model, messages, tools: [weather], max_tokens: 40 });
    expect(message.content.length).toBeGreaterThan(0);
  });

  test("count as much as the message that has them", async () => {
    const { input_tokens } = await client.messages.countTokens({ model, messages: hello, tools: [weather] });
    const { usage } = await client.messages.create({ model, messages: hello, tools: [weather], max_tokens: 1 });
    expect(usage.input_tokens + usage.cache_read_input_tokens!).toBe(input_tokens);
  });
});

describe("a mistake is an error of the client's own class:", () => {
  const mistake = async (request: object) =>
    client.messages.create({ model, messages: hello, max_tokens: 4, ...request } as never).catch((error: unknown) => error);

  test("a wrong field", async () => {
    const error = await mistake({ temperature: 9 });
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect((error as InstanceType<typeof Anthropic.BadRequestError>).message).toContain("'temperature' must be at most 1");
    expect((error as InstanceType<typeof Anthropic.BadRequestError>).requestID).toMatch(/^req_/);
  });

  test("an unknown model", async () => {
    expect(await mistake({ model: "claude-nothing" })).toBeInstanceOf(Anthropic.NotFoundError);
  });

  test("a prompt that is too long", async () => {
    expect(await mistake({ messages: [{ role: "user", content: "word ".repeat(9000) }] })).toMatchObject({
      status: 400,
      error: { error: { type: "invalid_request_error" } },
    });
  });
});

test("an aborted stream leaves the server ready for the next", async () => {
  const stream = client.messages.stream({ model, messages: hello, max_tokens: 3000 });
  stream.on("text", () => stream.abort());
  expect(await stream.finalMessage().catch((error: unknown) => error)).toBeInstanceOf(Anthropic.APIUserAbortError);
  expect((await client.messages.create({ model, messages: hello, max_tokens: 2 })).stop_reason).toBe("max_tokens");
});
