// Enforced output through the official OpenAI client and its zod helpers, against the executable and its built-in model.
import { afterAll, beforeAll, expect, test } from "bun:test";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { startServer, type Server } from "../helpers/server.ts";

let server: Server;
let client: OpenAI;
const quiet = { enable_thinking: false } as object; // not the client's field
const base = { model: "pippin-mini", messages: [{ role: "user" as const, content: "Tell me about Oslo." }], max_tokens: 400, ...quiet };
const City = z.object({
  name: z.string().max(8),
  size: z.enum(["small", "large"]),
  people: z.number().int().min(0).max(999),
  near: z.array(z.enum(["sea", "hills"])).max(2),
});
const Weather = z.object({ city: z.enum(["Oslo", "Rome"]), days: z.number().int().min(1).max(7) });

beforeAll(async () => {
  server = await startServer();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "unused", maxRetries: 0 });
});
afterAll(() => server[Symbol.asyncDispose]());

test.each([0, 1])("a zod schema is kept, at temperature %p", async temperature => {
  const format = zodResponseFormat(City, "city");
  for (let seed = 0; seed < 4; seed++) {
    const answer = await client.chat.completions.parse({ ...base, temperature, seed, response_format: format });
    expect(answer.choices[0]!.finish_reason).toBe("stop");
    expect(City.parse(answer.choices[0]!.message.parsed)).toEqual(answer.choices[0]!.message.parsed!);
  }
});

test("streamed it says the same as whole", async () => {
  const request = { ...base, temperature: 1, seed: 5, response_format: zodResponseFormat(City, "city") };
  const whole = await client.chat.completions.create(request);
  const chunks = await Array.fromAsync(await client.chat.completions.create({ ...request, stream: true }));
  expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? "").join("")).toBe(whole.choices[0]!.message.content!);
});

test.each(["required", { type: "function" as const, function: { name: "weather" } }])(
  "tool_choice %j makes a valid call, at temperatures 0 and 1",
  async choice => {
    const tools = [zodFunction({ name: "weather", parameters: Weather }), zodFunction({ name: "noop", parameters: z.object({}) })];
    for (const temperature of [0, 1]) {
      const { choices } = await client.chat.completions.create({
        ...base,
        temperature,
        seed: 3,
        tools,
        tool_choice: choice,
        parallel_tool_calls: false,
      });
      expect(choices[0]!.finish_reason).toBe("tool_calls");
      const call = choices[0]!.message.tool_calls![0]!;
      if (call.type !== "function") throw new Error("not a function");
      if (choice !== "required") expect(call.function.name).toBe("weather");
      (call.function.name === "weather" ? Weather : z.strictObject({})).parse(JSON.parse(call.function.arguments));
    }
  },
);

test("vLLM's fields are kept", async () => {
  const say = async (fields: object) => (await client.chat.completions.create({ ...base, temperature: 1, ...fields })).choices[0]!.message.content!;
  expect(["yes", "no"]).toContain(await say({ guided_choice: ["yes", "no"] }));
  expect(await say({ guided_regex: "[a-c]{4}-\\d{2}" })).toMatch(/^[a-c]{4}-\d{2}$/);
  expect(await say({ guided_grammar: 'root ::= "a" ("b" | "c")? "d"' })).toMatch(/^a[bc]?d$/);
  expect([true, false]).toContain(JSON.parse(await say({ structured_outputs: { json: { type: "boolean" } } })));
});

test("an answer cut by max_tokens says so", async () => {
  const { choices } = await client.chat.completions.create({ ...base, max_tokens: 3, response_format: zodResponseFormat(City, "city") });
  expect(choices[0]!.finish_reason).toBe("length");
  expect(choices[0]!.message.content).toStartWith("{");
});

test("what cannot be enforced is refused by name, what is hostile too, and the next request works", async () => {
  const schemas = [
    { not: {} },
    { type: "string", pattern: "(a|b)*a(a|b){40}" },
    { enum: Array.from({ length: 100_000 }, (_, i) => `value ${i}`) },
    { $ref: "#" },
  ];
  for (const guided_json of schemas) {
    const failure = await client.chat.completions.create({ ...base, ...({ guided_json } as object) }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.BadRequestError);
    expect((failure as InstanceType<typeof OpenAI.BadRequestError>).param).toStartWith("guided_json");
  }
  const { choices } = await client.chat.completions.create({ ...base, ...({ guided_choice: ["ok"] } as object) });
  expect(choices[0]!.message.content).toBe("ok");
});
