// The official OpenAI client's responses against the executable and its built-in model.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { startServer, type Server } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

let server: Server;
let client: OpenAI;
const model = "pippin-mini";
const input = "Hello! Who are you?";

beforeAll(async () => {
  server = await startServer();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "unused", maxRetries: 0 });
});
afterAll(() => server[Symbol.asyncDispose]());

test("a response has text, a status and a usage that adds up", async () => {
  const response = await client.responses.create({ model, input, max_output_tokens: 40, temperature: 0, metadata: { a: "b" } });
  expect(response).toMatchObject({ object: "response", model, metadata: { a: "b" }, error: null });
  expect(["completed", "incomplete"]).toContain(response.status!);
  expect(response.output_text.length).toBeGreaterThan(0);
  const { input_tokens, output_tokens, total_tokens } = response.usage!;
  expect(total_tokens).toBe(input_tokens + output_tokens);
});

test("streamed says the same as whole, by the client's own events and its own sum", async () => {
  const request = { model, input, max_output_tokens: 40, temperature: 0 };
  const whole = await client.responses.create(request);
  const stream = client.responses.stream(request);
  let text = "";
  stream.on("response.output_text.delta", event => (text += event.delta));
  const last = await stream.finalResponse();
  expect(text).toBe(whole.output_text);
  expect(last.output_text).toBe(whole.output_text);
  expect(last.status).toBe(whole.status!);
  expect(last.usage!.output_tokens).toBe(whole.usage!.output_tokens);
});

describe("a stored response", () => {
  test("is gone on from, read, listed and deleted", async () => {
    const first = await client.responses.create({ model, input, max_output_tokens: 64, instructions: "Be brief." });
    const second = await client.responses.create({ model, input: "And then?", previous_response_id: first.id, max_output_tokens: 64 });
    expect(second.usage!.input_tokens).toBeGreaterThan(first.usage!.output_tokens);
    expect(await client.responses.retrieve(second.id)).toMatchObject({ id: second.id, output_text: second.output_text });
    const { data } = await client.responses.inputItems.list(second.id, { order: "asc" });
    const said = data.filter(item => item.type !== "reasoning");
    expect(said.map(item => ("role" in item ? item.role : item.type))).toEqual(["user", "assistant", "user"]);
    await client.responses.delete(second.id);
    expect(await client.responses.retrieve(second.id).catch((error: unknown) => error)).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("in the background is read when it is done", async () => {
    const { id } = await client.responses.create({ model, input, background: true, max_output_tokens: 64 });
    await until(async () => (await client.responses.retrieve(id)).status !== "in_progress");
    expect((await client.responses.retrieve(id)).output_text.length).toBeGreaterThan(0);
  });

  test("in the background is cancelled", async () => {
    const { id } = await client.responses.create({ model, input, background: true, instructions: "Never stop." });
    const { status } = await client.responses.cancel(id).catch(() => client.responses.retrieve(id)); // it may have ended before
    expect(["cancelled", "completed", "incomplete"]).toContain(status!);
  });
});

test("a call and its output go back in, of functions and of custom tools", async () => {
  const tools: OpenAI.Responses.Tool[] = [
    { type: "function", name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } }, strict: false },
    { type: "custom", name: "apply_patch", description: "Changes files." },
  ];
  const items: OpenAI.Responses.ResponseInputItem[] = [
    { role: "user", content: "What is the weather in Rome?" },
    { type: "function_call", call_id: "c1", name: "get_weather", arguments: '{"city":"Rome"}' },
    { type: "function_call_output", call_id: "c1", output: "sunny, 25 degrees" },
    { type: "custom_tool_call", call_id: "c2", name: "apply_patch", input: "*** Begin Patch" },
    { type: "custom_tool_call_output", call_id: "c2", output: "done" },
  ];
  const response = await client.responses.create({ model, input: items, tools, store: false, max_output_tokens: 20 });
  expect(response.output.length).toBeGreaterThan(0);
});

test("a mistake is an error of the client's own class", async () => {
  const mistake = async (request: object) => client.responses.create({ model, input, ...request } as never).catch((error: unknown) => error);
  expect(await mistake({ temperature: 9 })).toMatchObject({ status: 400, param: "temperature" });
  expect(await mistake({ model: "gpt-nothing" })).toBeInstanceOf(OpenAI.NotFoundError);
  expect(await mistake({ previous_response_id: "resp_nothing" })).toMatchObject({ status: 400, param: "previous_response_id" });
  expect(await mistake({ input: "word ".repeat(9000) })).toMatchObject({ status: 400, code: "context_length_exceeded" });
});

test("an aborted stream leaves the server ready for the next", async () => {
  const abort = new AbortController();
  const stream = await client.responses.create({ model, input, stream: true }, { signal: abort.signal });
  for await (const event of stream) if (event.type === "response.output_text.delta") abort.abort();
  expect((await client.responses.create({ model, input, max_output_tokens: 2 })).status).toBe("incomplete");
});
