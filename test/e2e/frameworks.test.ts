// What applications are written with: the Vercel AI SDK and LangChain, over the routes that they choose themselves.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI, OpenAI as LangchainCompletions } from "@langchain/openai";
import { APICallError, generateText, streamText, tool, type LanguageModel, type ModelMessage, type ToolSet } from "ai";
import { z } from "zod";
import { startServer, type Server } from "../helpers/server.ts";

let server: Server;
const model = "pippin-mini";
const prompt = "Hello! Who are you?";

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const models: [string, () => LanguageModel][] = [
  ["chat completions", () => createOpenAICompatible({ name: "pippin", baseURL: `${server.url}/v1`, includeUsage: true })(model)],
  ["messages", () => createAnthropic({ baseURL: `${server.url}/v1`, apiKey: "unused" })(model)],
];

describe.each(models)("the Vercel AI SDK over %s", (_, open) => {
  const settings = { maxOutputTokens: 24, temperature: 0, maxRetries: 0 };

  test("streams what it gets whole", async () => {
    const whole = await generateText({ model: open(), prompt, ...settings });
    expect(whole.text.length).toBeGreaterThan(0);
    expect(["stop", "length"]).toContain(whole.finishReason);
    expect(whole.usage.outputTokens).toBeGreaterThan(0);
    const stream = streamText({ model: open(), prompt, ...settings });
    expect((await Array.fromAsync(stream.textStream)).join("")).toBe(whole.text);
    expect(await stream.finishReason).toBe(whole.finishReason);
    expect((await stream.usage).outputTokens).toBe(whole.usage.outputTokens);
  });

  test("gives a tool's result back", async () => {
    const tools = {
      get_weather: tool({ description: "Get the current weather in a city.", inputSchema: z.object({ city: z.string() }) }),
    } as unknown as ToolSet;
    const messages: ModelMessage[] = [
      { role: "user", content: "What is the weather in Rome?" },
      { role: "assistant", content: [{ type: "tool-call", toolCallId: "call_1", toolName: "get_weather", input: { city: "Rome" } }] },
      { role: "tool", content: [{ type: "tool-result", toolCallId: "call_1", toolName: "get_weather", output: { type: "text", value: "sunny" } }] },
    ];
    const { finishReason } = await generateText({ model: open(), messages, tools, ...settings });
    expect(["stop", "length", "tool-calls"]).toContain(finishReason);
  });

  test("knows a mistake for one that is not worth another try", async () => {
    const error = await generateText({ model: open(), prompt: "word ".repeat(9000), ...settings }).catch((reason: unknown) => reason);
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode: 400, isRetryable: false, message: expect.stringContaining("context length") });
  });

  test("leaves when it is told to", async () => {
    const abort = new AbortController();
    const stream = streamText({ model: open(), prompt, ...settings, maxOutputTokens: 3000, abortSignal: abort.signal });
    for await (const _ of stream.textStream) abort.abort();
    expect((await generateText({ model: open(), prompt, ...settings, maxOutputTokens: 2 })).finishReason).toBe("length");
  });
});

describe("LangChain", () => {
  const open = (more: object = {}) =>
    new ChatOpenAI({
      model,
      temperature: 0,
      maxTokens: 24,
      maxRetries: 0,
      apiKey: "unused",
      configuration: { baseURL: `${server.url}/v1` },
      ...more,
    });

  test("streams what it gets whole, over chat completions and over responses", async () => {
    for (const useResponsesApi of [false, true]) {
      const chat = open({ useResponsesApi });
      const whole = await chat.invoke([new HumanMessage(prompt)]);
      expect(whole.text.length).toBeGreaterThan(0);
      expect(whole.usage_metadata).toMatchObject({ output_tokens: expect.any(Number) });
      const chunks = await Array.fromAsync(await chat.stream([new HumanMessage(prompt)]));
      expect(chunks.map(chunk => chunk.text).join("")).toBe(whole.text);
    }
  });

  test("gives a tool's result back", async () => {
    const tools = [
      { type: "function" as const, function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } } },
    ];
    const messages = [
      new HumanMessage("What is the weather in Rome?"),
      new AIMessage({ content: "", tool_calls: [{ id: "call_1", name: "get_weather", args: { city: "Rome" } }] }),
      new ToolMessage({ tool_call_id: "call_1", content: "sunny" }),
    ];
    expect((await open().bindTools(tools).invoke(messages)).type).toBe("ai");
  });

  test("completes a text", async () => {
    const completions = new LangchainCompletions({
      model,
      maxTokens: 8,
      maxRetries: 0,
      apiKey: "unused",
      configuration: { baseURL: `${server.url}/v1` },
    });
    expect((await completions.invoke("Once upon a time")).length).toBeGreaterThan(0);
  });

  test("is told its mistakes", async () => {
    const error = await open({ temperature: 2.5 })
      .invoke([new HumanMessage(prompt)])
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 400, param: "temperature" });
  });
});
