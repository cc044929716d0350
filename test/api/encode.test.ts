// Exact bodies and frames, byte for byte.
import { describe, expect, test } from "bun:test";
import type { ChatEvent, TextLogprob, Usage } from "../../src/chat/types.ts";
import type { Answer, Failure, Frames } from "../../src/api/frames.ts";
import { chatAnswer, chatFrames } from "../../src/api/openai/encode-chat.ts";
import { completionAnswer, completionFrames } from "../../src/api/openai/encode-completion.ts";
import type { Head } from "../../src/api/openai/encode.ts";

const head: Head = { id: "chatcmpl-1", created: 7, model: "m", fingerprint: "fp_1", serviceTier: undefined };
const usage: Usage = { promptTokens: 9, cachedTokens: 4, completionTokens: 3, reasoningTokens: 1 };
const finish = (choice = 0, more: object = {}): ChatEvent => ({ type: "finish", choice, reason: "stop", usage, ...more });
const text = (text: string, choice = 0): ChatEvent => ({ type: "text", choice, text });
const bytes = (text: string) => new TextEncoder().encode(text);
const logprob = (text: string, logprob: number, offset = 0): TextLogprob => ({
  token: { id: 1, logprob, top: [[1, logprob]] },
  text,
  bytes: bytes(text),
  top: [{ id: 1, text, bytes: bytes(text), logprob }],
  offset,
});

function fold(answer: Answer, events: readonly ChatEvent[]): object {
  for (const event of events) answer.add(event);
  return JSON.parse(JSON.stringify(answer.body()));
}

/** The frames without their common front. */
function write(frames: Frames, events: readonly ChatEvent[], front: string): string[] {
  const all = [frames.open(), ...events.map(event => frames.event(event)), frames.close()].join("");
  expect(all).toEndWith("\n\n");
  return all
    .slice(0, -2)
    .split("\n\n")
    .map(frame => frame.replace(front, "…"));
}

const wireUsage = {
  prompt_tokens: 9,
  completion_tokens: 3,
  total_tokens: 12,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 1 },
};

describe("a chat completion", () => {
  const answer = () => chatAnswer(head, false);

  test("is the fold of its events", () => {
    expect(fold(answer(), [{ type: "start", choice: 0, promptTokens: 9, cachedTokens: 4 }, text("Hel"), text("lo"), finish()])).toEqual({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 7,
      model: "m",
      system_fingerprint: "fp_1",
      choices: [
        { index: 0, message: { role: "assistant", content: "Hello", refusal: null }, logprobs: null, finish_reason: "stop", stop_reason: null },
      ],
      usage: wireUsage,
    });
  });

  test("shows reasoning under both names and tool calls with their arguments", () => {
    const events: ChatEvent[] = [
      { type: "reasoning", choice: 0, text: "Let me " },
      { type: "reasoning", choice: 0, text: "see" },
      { type: "tool-call", choice: 0, index: 0, id: "call_1", name: "f" },
      { type: "tool-arguments", choice: 0, index: 0, text: '{"a":' },
      { type: "tool-arguments", choice: 0, index: 0, text: "1}" },
      { type: "tool-call", choice: 0, index: 1, id: "call_2", name: "g" },
      finish(0, { reason: "tool_calls" }),
    ];
    expect(fold(answer(), events)).toMatchObject({
      choices: [
        {
          message: {
            content: null,
            reasoning: "Let me see",
            reasoning_content: "Let me see",
            tool_calls: [
              { id: "call_1", type: "function", function: { name: "f", arguments: '{"a":1}' } },
              { id: "call_2", type: "function", function: { name: "g", arguments: "" } },
            ],
          },
          finish_reason: "tool_calls",
        },
      ],
    });
  });

  test("counts the prompt once for all its choices", () => {
    const body = fold(answer(), [text("b", 1), text("a", 0), finish(1, { stopString: "END" }), finish(0)]);
    expect(body).toMatchObject({
      choices: [
        { index: 0, message: { content: "a" }, stop_reason: null },
        { index: 1, message: { content: "b" }, stop_reason: "END" },
      ],
      usage: { prompt_tokens: 9, completion_tokens: 6, total_tokens: 15, completion_tokens_details: { reasoning_tokens: 2 } },
    });
  });

  test("has log probabilities with bytes, and a number for the impossible", () => {
    const body = fold(chatAnswer(head, true), [
      { type: "logprobs", choice: 0, tokens: [logprob("é", -0.5), logprob("x", -Infinity)] },
      text("éx"),
      finish(),
    ]);
    expect(body).toMatchObject({
      choices: [
        {
          logprobs: {
            content: [
              { token: "é", logprob: -0.5, bytes: [195, 169], top_logprobs: [{ token: "é", logprob: -0.5, bytes: [195, 169] }] },
              { token: "x", logprob: -9999, bytes: [120], top_logprobs: [{ token: "x", logprob: -9999, bytes: [120] }] },
            ],
            refusal: null,
          },
        },
      ],
    });
  });

  test("tells the service tier when it was asked for", () => {
    expect(fold(chatAnswer({ ...head, serviceTier: "default" }, false), [finish()])).toMatchObject({ service_tier: "default" });
  });
});

describe("a chat stream", () => {
  const front = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","system_fingerprint":"fp_1",';
  const one = { choices: 1, choicesPerPrompt: 1, includeUsage: false };

  test("a custom tool's call streams its text without the JSON around it, to the last character", () => {
    const own = (index: number, text: string): ChatEvent => ({ type: "tool-arguments", choice: 0, index, text });
    const events: ChatEvent[] = [
      { type: "tool-call", choice: 0, index: 0, id: "call_1", name: "g" },
      ...['{"inp', 'ut": "a\\', "n", 'b"', "}"].map(text => own(0, text)),
      { type: "tool-call", choice: 0, index: 1, id: "call_2", name: "g" },
      own(1, "[broken"),
      finish(0, { reason: "tool_calls" }),
    ];
    const calls = [
      '{"index":0,"id":"call_1","type":"custom","custom":{"name":"g","input":""}}',
      '{"index":0,"custom":{"input":"a"}}',
      '{"index":0,"custom":{"input":"\\n"}}',
      '{"index":0,"custom":{"input":"b"}}',
      '{"index":1,"id":"call_2","type":"custom","custom":{"name":"g","input":""}}',
      '{"index":1,"custom":{"input":"[broken"}}',
    ];
    const deltas = calls.map(call => `data: …"choices":[{"index":0,"delta":{"tool_calls":[${call}]},"logprobs":null,"finish_reason":null}]}`);
    expect(write(chatFrames(head, one, new Set(["g"])), events, front).slice(1, -2)).toEqual(deltas);
    expect(fold(chatAnswer(head, false, new Set(["g"])), events)).toMatchObject({
      choices: [
        {
          message: {
            content: null,
            tool_calls: [
              { id: "call_1", type: "custom", custom: { name: "g", input: "a\nb" } },
              { id: "call_2", type: "custom", custom: { name: "g", input: "[broken" } },
            ],
          },
        },
      ],
    });
  });

  test("is roles, deltas, finish and the end mark", () => {
    const events: ChatEvent[] = [
      { type: "start", choice: 0, promptTokens: 9, cachedTokens: 4 },
      { type: "reasoning", choice: 0, text: 'a"b' },
      { type: "text", choice: 0, text: "x\ny", logprobs: [logprob("x", -2)] },
      { type: "tool-call", choice: 0, index: 0, id: "call_1", name: "f" },
      { type: "tool-arguments", choice: 0, index: 0, text: '{"a":1}' },
      { type: "logprobs", choice: 0, tokens: [logprob("z", -1)] },
      finish(0, { stopString: "S" }),
    ];
    expect(write(chatFrames(head, one), events, front)).toEqual([
      'data: …"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}',
      'data: …"choices":[{"index":0,"delta":{"reasoning":"a\\"b","reasoning_content":"a\\"b"},"logprobs":null,"finish_reason":null}]}',
      'data: …"choices":[{"index":0,"delta":{"content":"x\\ny"},"logprobs":{"content":[{"token":"x","logprob":-2,"bytes":[120],"top_logprobs":[{"token":"x","logprob":-2,"bytes":[120]}]}],"refusal":null},"finish_reason":null}]}',
      'data: …"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]},"logprobs":null,"finish_reason":null}]}',
      'data: …"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a\\":1}"}}]},"logprobs":null,"finish_reason":null}]}',
      'data: …"choices":[{"index":0,"delta":{},"logprobs":{"content":[{"token":"z","logprob":-1,"bytes":[122],"top_logprobs":[{"token":"z","logprob":-1,"bytes":[122]}]}],"refusal":null},"finish_reason":null}]}',
      'data: …"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop","stop_reason":"S"}]}',
      "data: [DONE]",
    ]);
  });

  test("of several choices opens each, and ends with the usage of all", () => {
    const frames = write(chatFrames(head, { choices: 2, choicesPerPrompt: 2, includeUsage: true }), [text("b", 1), finish(0), finish(1)], front);
    expect(frames.map(frame => frame.replace(/"delta":.*/, ""))).toEqual([
      'data: …"usage":null,"choices":[{"index":0,',
      'data: …"usage":null,"choices":[{"index":1,',
      'data: …"usage":null,"choices":[{"index":1,',
      'data: …"usage":null,"choices":[{"index":0,',
      'data: …"usage":null,"choices":[{"index":1,',
      `data: …"choices":[],"usage":${JSON.stringify({ ...wireUsage, completion_tokens: 6, total_tokens: 15, completion_tokens_details: { reasoning_tokens: 2 } })}}`,
      "data: [DONE]",
    ]);
  });

  test("that fails tells it and still ends", () => {
    const failure: Failure = { status: 503, message: "lost", type: "service_unavailable_error", param: null, code: "engine_lost", headers: {} };
    expect(chatFrames(head, one).fail(failure)).toBe(
      'data: {"error":{"message":"lost","type":"service_unavailable_error","param":null,"code":"engine_lost"},"detail":"lost"}\n\ndata: [DONE]\n\n',
    );
  });

  test("is kept alive by comments", () => {
    expect(chatFrames(head, one).keepAlive()).toBe(": keep-alive\n\n");
  });

  test("every chunk is what the whole answer says", () => {
    const events = [text("a"), text("b"), finish()];
    const frames = write(chatFrames(head, one), events, "").slice(0, -1);
    const content = frames.map(frame => JSON.parse(frame.slice(6).replace(/^…/, "")).choices[0].delta.content ?? "").join("");
    expect(content).toBe("ab");
  });
});

describe("a plain completion", () => {
  const own: Head = { ...head, id: "cmpl-1" };
  const front = '{"id":"cmpl-1","object":"text_completion","created":7,"model":"m","system_fingerprint":"fp_1",';

  test("has a choice per prompt and sums their usage", () => {
    expect(fold(completionAnswer(own, false, 1), [text("a", 0), text("b", 1), finish(0), finish(1)])).toEqual({
      id: "cmpl-1",
      object: "text_completion",
      created: 7,
      model: "m",
      system_fingerprint: "fp_1",
      choices: [
        { index: 0, text: "a", logprobs: null, finish_reason: "stop", stop_reason: null },
        { index: 1, text: "b", logprobs: null, finish_reason: "stop", stop_reason: null },
      ],
      usage: {
        prompt_tokens: 18,
        completion_tokens: 6,
        total_tokens: 24,
        prompt_tokens_details: { cached_tokens: 8 },
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    });
  });

  test("lists log probabilities beside each other with the offsets of their tokens", () => {
    const body = fold(completionAnswer(own, true, 1), [
      { type: "logprobs", choice: 0, tokens: [logprob("ab", -0.5), logprob("c", -1, 2)] },
      text("abc"),
      finish(),
    ]);
    expect(body).toMatchObject({
      choices: [{ logprobs: { tokens: ["ab", "c"], token_logprobs: [-0.5, -1], top_logprobs: [{ ab: -0.5 }, { c: -1 }], text_offset: [0, 2] } }],
    });
  });

  test("has no likelihood for the first token of an echoed prompt, and always the token itself among the likely ones", () => {
    const first: TextLogprob = { token: null, text: "a", bytes: bytes("a"), top: [], offset: 0 };
    const drawn: TextLogprob = { ...logprob("b", -3, 1), top: [{ id: 2, text: "c", bytes: bytes("c"), logprob: -0.1 }] };
    const body = fold(completionAnswer(own, true, 1), [{ type: "logprobs", choice: 0, tokens: [first, drawn] }, finish()]);
    expect(body).toMatchObject({ choices: [{ logprobs: { token_logprobs: [null, -3], top_logprobs: [null, { b: -3, c: -0.1 }] } }] });
  });

  test("streams with the offsets of the tokens", () => {
    const events: ChatEvent[] = [
      { type: "logprobs", choice: 0, tokens: [logprob("ab", -0.5)] },
      text("ab"),
      { type: "text", choice: 0, text: "c", logprobs: [logprob("c", -1, 2)] },
      finish(0, { reason: "length" }),
    ];
    expect(write(completionFrames(own, { choices: 1, choicesPerPrompt: 1, includeUsage: true }), events, front)).toEqual([
      'data: …"usage":null,"choices":[{"index":0,"text":"","logprobs":null,"finish_reason":null}]}',
      'data: …"usage":null,"choices":[{"index":0,"text":"","logprobs":{"tokens":["ab"],"token_logprobs":[-0.5],"top_logprobs":[{"ab":-0.5}],"text_offset":[0]},"finish_reason":null}]}',
      'data: …"usage":null,"choices":[{"index":0,"text":"ab","logprobs":null,"finish_reason":null}]}',
      'data: …"usage":null,"choices":[{"index":0,"text":"c","logprobs":{"tokens":["c"],"token_logprobs":[-1],"top_logprobs":[{"c":-1}],"text_offset":[2]},"finish_reason":null}]}',
      'data: …"usage":null,"choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"length","stop_reason":null}]}',
      `data: …"choices":[],"usage":${JSON.stringify(wireUsage)}}`,
      "data: [DONE]",
    ]);
  });
});
