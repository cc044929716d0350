// The official OpenAI client against the executable and its built-in model.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { cpuTicks, startServer, threadNames, type Server } from "../helpers/server.ts";

let server: Server;
let client: OpenAI;
const model = "pippin-mini";
const hello = [{ role: "user" as const, content: "Hello! Who are you?" }];

beforeAll(async () => {
  server = await startServer();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "unused", maxRetries: 0 });
});
afterAll(() => server[Symbol.asyncDispose]());

test("the built-in model is listed under its name", async () => {
  const { data } = await client.models.list();
  expect(data.map(({ id }) => id)).toEqual([model]);
});

describe("a chat", () => {
  test("answers with text, a finish reason and usage that adds up", async () => {
    const answer = await client.chat.completions.create({ model, messages: hello, temperature: 0, max_tokens: 40 });
    expect(answer.choices).toHaveLength(1);
    expect(answer.choices[0]!.message).toMatchObject({ role: "assistant", content: expect.any(String) });
    expect(["stop", "length"]).toContain(answer.choices[0]!.finish_reason);
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage!;
    expect(prompt_tokens).toBeGreaterThan(0);
    expect(completion_tokens).toBeGreaterThan(0);
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
  });

  test("streamed says the same as whole", async () => {
    const request = { model, messages: hello, temperature: 0, max_tokens: 40 };
    const whole = await client.chat.completions.create(request);
    const stream = await client.chat.completions.create({ ...request, stream: true, stream_options: { include_usage: true } });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? "").join("")).toBe(whole.choices[0]!.message.content!);
    expect(chunks.find(chunk => chunk.choices[0]?.finish_reason)?.choices[0]!.finish_reason).toBe(whole.choices[0]!.finish_reason);
    const { prompt_tokens, completion_tokens, total_tokens } = whole.usage!;
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens, completion_tokens, total_tokens } });
    expect(new Set(chunks.map(chunk => chunk.id)).size).toBe(1);
  });

  test("goes on from the beginning that the client gives", async () => {
    const messages = [
      { role: "user" as const, content: "Hi! Name the capital of Italy." },
      { role: "assistant" as const, content: "The capital of Italy is" },
    ];
    const begun: object = { continue_final_message: true, add_generation_prompt: false };
    const { choices } = await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 40, ...begun });
    expect(choices[0]!.message.content).toMatch(/^ Rome\b/);
  });

  test("with a seed is drawn the same again", async () => {
    const draw = async (seed: number) =>
      (await client.chat.completions.create({ model, messages: hello, temperature: 1, seed, max_tokens: 24 })).choices[0]!.message.content;
    expect(await draw(7)).toBe(await draw(7));
  });

  test("gives n choices, streamed or not", async () => {
    const request = { model, messages: hello, n: 3, max_tokens: 8, temperature: 1, seed: 1 };
    const whole = await client.chat.completions.create(request);
    expect(whole.choices.map(({ index }) => index).sort()).toEqual([0, 1, 2]);
    const chunks = await Array.fromAsync(await client.chat.completions.create({ ...request, stream: true }));
    for (const { index, message } of whole.choices) {
      const streamed = chunks.flatMap(({ choices }) => choices).filter(choice => choice.index === index);
      expect(streamed.map(({ delta }) => delta.content ?? "").join("")).toBe(message.content!);
    }
  });

  test("ends before a stop string", async () => {
    const request = { model, messages: hello, temperature: 0, max_tokens: 40 };
    const { content } = (await client.chat.completions.create(request)).choices[0]!.message;
    const stop = content!.slice(3, 5);
    const stopped = (await client.chat.completions.create({ ...request, stop })).choices[0]!;
    expect(stopped.message.content).toBe(content!.slice(0, content!.indexOf(stop)));
    expect(stopped.finish_reason).toBe("stop");
  });

  test("ends at max_tokens with reason length", async () => {
    const { choices, usage } = await client.chat.completions.create({ model, messages: hello, max_tokens: 2 });
    expect(choices[0]!.finish_reason).toBe("length");
    expect(usage!.completion_tokens).toBe(2);
  });

  test("gives log-probabilities whose texts make up the answer", async () => {
    const request = { model, messages: hello, temperature: 0, max_tokens: 12, logprobs: true, top_logprobs: 3 };
    const { message, logprobs } = (await client.chat.completions.create(request)).choices[0]!;
    const tokens = logprobs!.content!;
    const bytes = tokens.flatMap(token => token.bytes ?? []);
    expect(new TextDecoder().decode(new Uint8Array(bytes))).toStartWith(message.content!);
    for (const token of tokens) {
      expect(token.logprob).toBeLessThanOrEqual(0);
      expect(token.top_logprobs).toHaveLength(3);
      expect(token.top_logprobs[0]!.logprob).toBeCloseTo(token.logprob, 4); // greedy: the drawn token is the likeliest
    }
  });
});

test("requests together answer like each alone", async () => {
  const ask = async (word: string) => {
    const messages = [{ role: "user" as const, content: `Tell me about ${word}.` }];
    return (await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 16 })).choices[0]!.message.content;
  };
  const words = ["rain", "the sea and the wind over it", "bread", "a cat that sleeps all day", "music", "snow", "seven", "the moon"];
  const together = await Promise.all(words.map(ask));
  for (const [index, word] of words.entries()) expect(together[index]).toBe(await ask(word));
});

test("plain completions echo the prompt with its log-probabilities", async () => {
  const { choices } = await client.completions.create({ model, prompt: "Once upon a time", max_tokens: 0, echo: true, logprobs: 1 });
  expect(choices[0]!.text).toBe("Once upon a time");
  expect(choices[0]!.logprobs!.token_logprobs![0]).toBeNull();
  expect(choices[0]!.logprobs!.tokens!.join("")).toBe("Once upon a time");
});

describe("a client's mistake", () => {
  test("is told with status, type and code: an unknown model", async () => {
    const mistake = client.chat.completions.create({ model: "gpt-nothing", messages: hello });
    expect(await mistake.catch((error: unknown) => error)).toMatchObject({ status: 404, code: "model_not_found" });
  });

  test("is told by name: a wrong field", async () => {
    const mistake = client.chat.completions.create({ model, messages: hello, temperature: 9 });
    expect(await mistake.catch((error: unknown) => error)).toMatchObject({ status: 400, param: "temperature" });
  });

  test("is told with numbers: a prompt longer than the context", async () => {
    const mistake = client.chat.completions.create({ model, messages: [{ role: "user", content: "word ".repeat(9000) }] });
    expect(await mistake.catch((error: unknown) => error)).toMatchObject({
      status: 400,
      code: "context_length_exceeded",
      message: expect.stringMatching(/\d+/),
    });
  });
});

test("a long text is encoded in a thread of its own, also in the executable", async () => {
  const mistake = client.completions.create({ model, prompt: "word ".repeat(20_000) });
  expect(await mistake.catch((error: unknown) => error)).toMatchObject({ status: 400, code: "context_length_exceeded" });
  expect(threadNames(server.pid)).toContain("Worker");
});

test("an aborted request leaves the engine at once", async () => {
  const engine = server.enginePid()!;
  const abort = new AbortController();
  const body = { model, messages: hello, max_tokens: 3000, ignore_eos: true, stream: true as const };
  const stream = await client.chat.completions.create(body, { signal: abort.signal });
  for await (const _ of stream) break;
  abort.abort();
  await Bun.sleep(200);
  const before = cpuTicks(engine);
  await Bun.sleep(300);
  expect(cpuTicks(engine) - before).toBeLessThanOrEqual(3);
});
