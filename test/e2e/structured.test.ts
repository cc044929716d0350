// The helpers of the clients for structured output and for calls that must be made. The schemas leave room for few answers, so that any
// model gives one within the upper bound of tokens.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, jsonSchema, Output, tool, type LanguageModel, type ToolSet } from "ai";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { startServer, type Server } from "../helpers/server.ts";

let server: Server;
let openai: OpenAI;
let anthropic: Anthropic;
const model = "pippin-mini";
const question = "Is the sky blue?";
const messages = [{ role: "user" as const, content: question }];
const shape = z.object({ color: z.enum(["red", "green", "blue"]), sure: z.boolean() });
const parameters = {
  type: "object" as const,
  properties: { unit: { type: "string", enum: ["celsius", "kelvin"] } },
  required: ["unit"],
  additionalProperties: false,
};
const units = ["celsius", "kelvin"];

beforeAll(async () => {
  server = await startServer();
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "unused", maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: server.url, apiKey: "unused", maxRetries: 0 });
});
afterAll(() => server[Symbol.asyncDispose]());

describe("an answer is parsed by its schema", () => {
  test("with OpenAI's chat, whole and streamed", async () => {
    const request = { model, messages, max_tokens: 64, response_format: zodResponseFormat(shape, "answer") };
    shape.parse((await openai.chat.completions.parse(request)).choices[0]!.message.parsed);
    const streamed = await openai.chat.completions.stream(request).finalChatCompletion();
    shape.parse(streamed.choices[0]!.message.parsed);
  });

  test("behind thinking that is told apart, whole and streamed", async () => {
    const thinking = { enable_thinking: true } as object; // not the client's field
    const request = { model, messages, temperature: 0, max_tokens: 300, response_format: zodResponseFormat(shape, "answer"), ...thinking };
    const whole = (await openai.chat.completions.parse(request)).choices[0]!;
    const streamed = (await openai.chat.completions.stream(request).finalChatCompletion()).choices[0]!;
    for (const { message, finish_reason } of [whole, streamed]) {
      expect(finish_reason).toBe("stop");
      expect((message as unknown as { reasoning: string }).reasoning).not.toBe("");
      expect(message.content).toStartWith("{");
      expect(shape.parse(message.parsed)).toEqual(shape.parse(JSON.parse(message.content!)));
    }
    expect(streamed.message.content).toBe(whole.message.content);
  });

  test("with OpenAI's responses", async () => {
    const response = await openai.responses.parse({
      model,
      input: question,
      max_output_tokens: 64,
      text: { format: zodTextFormat(shape, "answer") },
    });
    shape.parse(response.output_parsed);
  });

  test("with Anthropic's messages", async () => {
    const message = await anthropic.messages.parse({ model, messages, max_tokens: 64, output_config: { format: zodOutputFormat(shape) } });
    shape.parse(message.parsed_output);
  });

  test("with the Vercel AI SDK", async () => {
    const chat = createOpenAICompatible({ name: "pippin", baseURL: `${server.url}/v1`, supportsStructuredOutputs: true })(model);
    const schema = jsonSchema<z.infer<typeof shape>>(z.toJSONSchema(shape) as never);
    const { output } = await generateText({ model: chat, prompt: question, maxOutputTokens: 64, maxRetries: 0, output: Output.object({ schema }) });
    shape.parse(output);
  });

  test("with LangChain", async () => {
    const chat = new ChatOpenAI({ model, maxTokens: 64, maxRetries: 0, apiKey: "unused", configuration: { baseURL: `${server.url}/v1` } });
    for (const method of ["jsonSchema", "functionCalling"] as const)
      shape.parse(await chat.withStructuredOutput(z.toJSONSchema(shape), { name: "answer", method }).invoke(question));
  });
});

describe("a call that must be made goes to the tool and back", () => {
  test("with OpenAI's chat, by name or not", async () => {
    const tools = [{ type: "function" as const, function: { name: "get_weather", parameters } }];
    for (const tool_choice of ["required" as const, { type: "function" as const, function: { name: "get_weather" } }]) {
      const { message, finish_reason } = (await openai.chat.completions.create({ model, messages, tools, tool_choice, max_tokens: 64 })).choices[0]!;
      expect(["tool_calls", "stop"]).toContain(finish_reason);
      const call = message.tool_calls![0]!;
      if (call.type !== "function") throw new Error(call.type);
      expect(call.function.name).toBe("get_weather");
      expect(units).toContain(JSON.parse(call.function.arguments).unit);
      const result = { role: "tool" as const, tool_call_id: call.id, content: "21" };
      const next = await openai.chat.completions.create({ model, messages: [...messages, message, result], tools, max_tokens: 8 });
      expect(next.choices).toHaveLength(1);
    }
  });

  test("with OpenAI's responses, streamed", async () => {
    const tools = [{ type: "function" as const, name: "get_weather", parameters, strict: true }];
    const stream = openai.responses.stream({ model, input: question, tools, tool_choice: "required", max_output_tokens: 64 });
    const first = await stream.finalResponse();
    const call = first.output.find(item => item.type === "function_call")!;
    expect(units).toContain(JSON.parse(call.arguments).unit);
    const output = [{ type: "function_call_output" as const, call_id: call.call_id, output: "21" }];
    const next = await openai.responses.create({ model, previous_response_id: first.id, input: output, tools, max_output_tokens: 8 });
    expect(next.output.length).toBeGreaterThan(0);
  });

  test("with Anthropic's messages, streamed", async () => {
    const tools = [{ name: "get_weather", input_schema: parameters }];
    const request = { model, messages, tools, max_tokens: 64 };
    for (const tool_choice of [{ type: "any" as const }, { type: "tool" as const, name: "get_weather" }]) {
      const message = await anthropic.messages.stream({ ...request, tool_choice }).finalMessage();
      const use = message.content.find(block => block.type === "tool_use")!;
      expect(units).toContain((use.input as { unit: string }).unit);
      const result = { role: "user" as const, content: [{ type: "tool_result" as const, tool_use_id: use.id, content: "21" }] };
      const next = await anthropic.messages.create({ ...request, messages: [...messages, { role: "assistant", content: message.content }, result] });
      expect(next.content.length).toBeGreaterThan(0);
    }
  });

  test("with the Vercel AI SDK over both routes", async () => {
    const models: LanguageModel[] = [
      createOpenAICompatible({ name: "pippin", baseURL: `${server.url}/v1` })(model),
      createAnthropic({ baseURL: `${server.url}/v1`, apiKey: "unused" })(model),
    ];
    const tools = { get_weather: tool({ inputSchema: jsonSchema<{ unit: string }>(parameters as never) }) } as unknown as ToolSet;
    for (const open of models) {
      const { toolCalls } = await generateText({ model: open, prompt: question, tools, toolChoice: "required", maxOutputTokens: 64, maxRetries: 0 });
      expect(units).toContain((toolCalls[0]!.input as { unit: string }).unit);
    }
  });
});

test("a custom tool's text keeps to its grammar in chat completions, whole and streamed", async () => {
  const grammar = { type: "grammar" as const, grammar: { syntax: "regex" as const, definition: "add (one|two)" } };
  const tools = [{ type: "custom" as const, custom: { name: "patch", description: "Changes files.", format: grammar } }];
  const messages = [{ role: "user" as const, content: question }];
  const request = { model, messages, tools, tool_choice: { type: "custom" as const, custom: { name: "patch" } }, temperature: 0, max_tokens: 64 };
  const whole = await openai.chat.completions.create(request);
  const streamed = await openai.chat.completions.stream(request).finalChatCompletion();
  const calls = [whole, streamed].map(answer => answer.choices[0]!.message.tool_calls![0]!);
  const inputs = calls.map(call => call.type === "custom" && call.custom.input);
  expect(["add one", "add two"]).toContain(String(inputs[0]));
  expect(inputs[1]).toBe(inputs[0]!);
  const result = { role: "tool" as const, tool_call_id: calls[0]!.id, content: "done" };
  const after = await openai.chat.completions.create({ ...request, messages: [...messages, whole.choices[0]!.message, result], tool_choice: "none" });
  expect(after.choices[0]!.message.tool_calls).toBeUndefined();
});

test("a custom tool's text keeps to its grammar in responses", async () => {
  const grammar = { type: "grammar" as const, syntax: "lark" as const, definition: 'start: "add " ("one" | "two")' };
  const tools = [{ type: "custom" as const, name: "patch", description: "Changes files.", format: grammar }];
  const { output } = await openai.responses.create({ model, input: question, tools, tool_choice: "required", max_output_tokens: 64 });
  const call = output.find(item => item.type === "custom_tool_call")!;
  expect(["add one", "add two"]).toContain(call.input);
});
