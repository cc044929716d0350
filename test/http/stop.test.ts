// Stop strings end what the client reads as the answer; reasoning and calls may have them. In every dialect that has them, streamed and whole.
import { describe, expect, test } from "bun:test";
import { hello, open } from "./open.ts";

const parameters = { type: "object", properties: { city: { type: "string" } } };
const said = "<think>\nI see.\n\nI think.\n</think>\n\nYes, I do.";
const called = '<tool_call>\n{"name": "weather", "arguments": {"city": "Isfahan I"}}\n</tool_call>';

interface Dialect {
  readonly path: string;
  readonly stop: (text: string) => object;
  readonly tools: readonly object[];
  readonly ends: string; // after a call
  /** Of a whole answer. */
  readonly read: (answer: any) => unknown[];
  /** Of the frames' data, with the text and the reasoning put together. */
  readonly fold: (frames: any[]) => unknown[];
}

const joined = (parts: unknown[]) => parts.filter(part => typeof part === "string").join("");

const dialects: Record<string, Dialect> = {
  "chat completions": {
    path: "/v1/chat/completions",
    stop: text => ({ stop: [text] }),
    tools: [{ type: "function", function: { name: "weather", parameters } }],
    ends: "tool_calls",
    read: ({ choices: [{ message, finish_reason }] }) => [message.reasoning ?? "", message.content ?? "", finish_reason],
    fold: frames => {
      const choices = frames.flatMap(frame => frame.choices ?? []);
      const last = choices.at(-1);
      const text = (key: string) => joined(choices.map(({ delta }) => delta[key]));
      return [text("reasoning"), text("content"), last.finish_reason];
    },
  },
  messages: {
    path: "/v1/messages",
    stop: text => ({ stop_sequences: [text], max_tokens: 100, thinking: { type: "adaptive" } }),
    tools: [{ name: "weather", input_schema: parameters }],
    ends: "tool_use",
    read: ({ content, stop_reason }) => [
      joined(content.map((block: any) => block.thinking)),
      joined(content.map((block: any) => block.text)),
      stop_reason === "stop_sequence" ? "stop" : stop_reason,
    ],
    fold: frames => {
      const { stop_reason } = frames.find(frame => frame.type === "message_delta").delta;
      const text = (key: string) => joined(frames.map(frame => frame.delta?.[key]));
      return [text("thinking"), text("text"), stop_reason === "stop_sequence" ? "stop" : stop_reason];
    },
  },
  "Ollama's chat": {
    path: "/api/chat",
    stop: text => ({ options: { stop: [text] }, think: true }),
    tools: [{ type: "function", function: { name: "weather", parameters } }],
    ends: "stop",
    read: ({ message, done_reason }) => [message.thinking ?? "", message.content, done_reason],
    fold: frames => {
      const text = (key: string) => joined(frames.map(frame => frame.message?.[key]));
      return [text("thinking"), text("content"), frames.at(-1).done_reason];
    },
  },
};

describe.each(Object.entries(dialects))("in %s", (_name, { path, stop, tools, ends, read, fold }) => {
  const wish = { model: "mini", ...hello, ...stop("I") };

  async function both(script: string, more: object = {}): Promise<unknown[]> {
    const whole = read(await open(script).json(path, { ...wish, ...more, stream: false }));
    const streamed = await open(script).post(path, { ...wish, ...more, stream: true });
    const lines = (await streamed.text()).split("\n").map(line => line.replace(/^data: /, ""));
    expect(fold(lines.filter(line => line.startsWith("{")).map(line => JSON.parse(line)))).toEqual(whole);
    return whole;
  }

  test("a stop string in the reasoning does not end the answer, one in the answer does", async () => {
    expect(await both(said)).toEqual([expect.stringContaining("I see.\n\nI think."), "Yes, ", "stop"]);
  });

  test("blank lines between the reasoning and the answer are no part of it", async () => {
    const [, text] = await both(said, stop("\n\n"));
    expect(text).toBe("Yes, I do.");
  });

  test("a stop string in a call's arguments is part of them", async () => {
    const [, text, reason] = await both(called, { tools });
    expect([text, reason]).toEqual(["", ends]);
    expect(JSON.stringify(await open(called).json(path, { ...wish, tools, stream: false }))).toContain("Isfahan I");
  });
});
