// Clients that leave, and clients that read slowly: the engine's work ends with them, and nothing piles up.
import { describe, expect, test } from "bun:test";
import { chatFrames } from "../../src/api/openai/encode-chat.ts";
import type { ChatEvent } from "../../src/chat/types.ts";
import { openLifetime } from "../../src/http/lifetime.ts";
import { streamResponse } from "../../src/http/sse.ts";
import { until } from "../helpers/until.ts";
import { chat, completions, hello, open, say } from "./open.ts";

const long = say("word ".repeat(2000));

describe("a client that leaves", () => {
  test("before the headers of a whole answer ends the engine's work", async () => {
    const { engine, post } = open(say("Hi", { hang: true }));
    const client = new AbortController();
    const response = post(chat, hello, { signal: client.signal });
    await until(() => engine.running === 1, "the sequence runs");
    client.abort();
    expect((await response).status).toBe(499);
    expect([engine.running, engine.aborted]).toEqual([0, 1]);
  });

  test("before the headers of a stream ends the engine's work", async () => {
    const { engine, post } = open(say("Hi", { delay: 50 }));
    const client = new AbortController();
    const response = post(chat, { ...hello, stream: true }, { signal: client.signal });
    await until(() => engine.running === 1, "the sequence runs");
    client.abort();
    expect((await response).status).toBe(499);
    await until(() => engine.aborted === 1, "the sequence is aborted");
  });

  test.each([
    ["chat", chat, { ...hello, n: 3 }],
    ["completions", completions, { prompt: ["a", "b", "c"] }],
  ])("inside a stream of %s ends all its sequences", async (_, path, body) => {
    const { engine, post } = open(say("a b c", { hang: true }));
    const client = new AbortController();
    const response = await post(path, { ...body, stream: true }, { signal: client.signal });
    await response.body!.getReader().read();
    expect(engine.running).toBe(3);
    client.abort();
    await until(() => engine.aborted === 3, "the sequences are aborted");
  });

  test("by cancelling the body ends the engine's work", async () => {
    const { engine, post } = open(long);
    const response = await post(chat, { ...hello, stream: true });
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await until(() => engine.aborted === 1, "the sequence is aborted");
    expect(engine.sequences[0]!.sent.length).toBeLessThan(1000);
  });

  test("before anything was done costs nothing", async () => {
    const { engine, post } = open("Hi");
    const response = await post(chat, hello, { signal: AbortSignal.abort() });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(engine.running).toBe(0);
  });

  test("does not disturb the others", async () => {
    const { engine, post, json } = open([say("x", { hang: true }), say("Hi there")]);
    const client = new AbortController();
    const left = post(chat, hello, { signal: client.signal });
    await until(() => engine.running === 1, "the sequence runs");
    const stays = json(chat, hello);
    client.abort();
    await left;
    expect((await stays).choices[0].message.content).toBe("Hi there");
  });
});

describe("a client that reads slowly", () => {
  test("slows the events, not the memory", async () => {
    let taken = 0;
    async function* endless(): AsyncGenerator<ChatEvent> {
      for (;;) yield { type: "text", choice: 0, text: String(taken++) };
    }
    const events = endless();
    const lifetime = openLifetime(new AbortController().signal, undefined);
    const head = { id: "x", created: 1, model: "m", fingerprint: "f", serviceTier: undefined };
    const frames = chatFrames(head, { choices: 1, choicesPerPrompt: 1, includeUsage: false });
    const toFailure = () => ({ status: 500, message: "", type: "", param: null, code: null, headers: {} });
    const response = streamResponse({ first: events.next(), events, lifetime, frames, keepAliveMs: 1000, toFailure }, {});
    const reader = response.body!.getReader();
    await reader.read();
    await settled(() => taken);
    expect(taken).toBeLessThan(2000); // some 64 KiB of frames, twice
    const before = taken;
    await reader.read();
    await settled(() => taken);
    expect(taken).toBeGreaterThan(before);
    await reader.cancel();
    expect(lifetime.signal.aborted).toBe(true);
    expect(await settled(() => taken)).toBe(taken);
  });
});

/** The number once it has stood still for a while. */
async function settled(count: () => number): Promise<number> {
  for (let before = -1; before !== count();) {
    before = count();
    await Bun.sleep(10);
  }
  return count();
}

test("frames of one turn of the event loop go out together", async () => {
  const { post } = open(say("a b c d e f g h i j", { steps: [100] }));
  const response = await post(chat, { ...hello, stream: true, n: 8 });
  let reads = 0;
  let count = 0;
  for await (const chunk of response.body! as unknown as AsyncIterable<Uint8Array>) {
    reads++;
    count += new TextDecoder().decode(chunk).split("\n\n").length - 1;
  }
  expect(count).toBeGreaterThan(10);
  expect(reads).toBeLessThanOrEqual(3);
});
