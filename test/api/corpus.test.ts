// Every raw output of the corpus from ids to the wire: streamed and whole, in both dialects, it says what the corpus says.
import { describe, expect, test } from "bun:test";
import { messageAnswer } from "../../src/api/anthropic/encode.ts";
import { messageFrames } from "../../src/api/anthropic/frames.ts";
import type { Frames } from "../../src/api/frames.ts";
import { chatAnswer, chatFrames } from "../../src/api/openai/encode-chat.ts";
import { AnswerReader } from "../../src/chat/stream.ts";
import type { ChatEvent } from "../../src/chat/types.ts";
import { findReasoningFormat, findToolFormat } from "../../src/parsers/registry.ts";
import type { ReasoningFormat, ToolFormat } from "../../src/parsers/types.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { corpusTools, readCorpus, reasoningOf, type Case } from "../parsers/corpus.ts";
import { byteLevel } from "../tokenizer/fixtures.ts";

interface Said {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: string }[];
}

const noHints = { template: "", hasToken: () => false };
const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 1, reasoningTokens: 0 };

function expectedOf({ expected }: Case): Said {
  const said: Said = { text: "", reasoning: "", calls: [] };
  for (const line of expected) {
    const [, kind, rest] = /^(\w+) (.*)$/s.exec(line)!;
    if (kind === "text" || kind === "reasoning") said[kind] += JSON.parse(rest!) as string;
    else {
      const [, name, given] = /^(\S+)(?: [^{"\s]\S*)? (.*)$/.exec(rest!)!;
      const call = { name: name!, arguments: kind === "broken" ? (JSON.parse(given!) as string) : given!.replaceAll("\\n]", "\n]") };
      if (!said.calls.some(other => other.name === call.name && other.arguments === call.arguments)) said.calls.push(call);
    }
  }
  return said;
}

/** The events of the answer, id by id. */
function read(each: Case, tools: ToolFormat, reasoning: ReasoningFormat, tokenizer: Tokenizer): ChatEvent[] {
  const reader = new AnswerReader({
    tokenizer,
    choice: 0,
    stop: [],
    tools: { format: tools, offered: corpusTools, parallel: true },
    reasoning: { format: reasoning, startsOpen: each.flags.has("open") },
    continues: false,
  });
  const spell = (text: string) => tokenizer.encode(text, { specialTokens: false });
  const ids = each.flags.has("spelled") ? [...each.raw].flatMap(character => [...spell(character)]) : [...spell(each.raw)];
  const events = [...ids.flatMap(id => reader.take(id, undefined)), ...reader.end()];
  return [...events, { type: "finish", choice: 0, reason: reader.calls > 0 ? "tool_calls" : "stop", usage }];
}

function streamOf(frames: Frames, events: readonly ChatEvent[]): Record<string, any>[] {
  const text = [frames.open(), ...events.map(event => frames.event(event)), frames.close()].join("");
  return [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json!));
}

function openai(events: readonly ChatEvent[]): [Said, Said] {
  const head = { id: "c", created: 1, model: "m", fingerprint: "f", serviceTier: undefined };
  const answer = chatAnswer(head, false);
  for (const event of events) answer.add(event);
  const { message } = (JSON.parse(JSON.stringify(answer.body())) as { choices: { message: Record<string, any> }[] }).choices[0]!;
  expect(message["reasoning"]).toBe(message["reasoning_content"]);
  const whole = {
    text: message["content"] ?? "",
    reasoning: message["reasoning"] ?? "",
    calls: (message["tool_calls"] ?? []).map((call: { function: object }) => call.function),
  };
  const streamed: Said = { text: "", reasoning: "", calls: [] };
  for (const { delta } of streamOf(chatFrames(head, { choices: 1, choicesPerPrompt: 1, includeUsage: false }), events).map(
    chunk => chunk["choices"][0],
  )) {
    streamed.text += delta.content ?? "";
    streamed.reasoning += delta.reasoning ?? "";
    for (const { index, function: part } of delta.tool_calls ?? []) {
      streamed.calls[index] ??= { name: part.name, arguments: "" };
      streamed.calls[index]!.arguments += part.arguments;
    }
  }
  return [whole, streamed];
}

type Block = Record<string, any>;

function anthropic(events: readonly ChatEvent[]): [Block[], Block[]] {
  const head = { id: "m", model: "m", maxTokens: 9, showThinking: true };
  const answer = messageAnswer(head);
  for (const event of events) answer.add(event);
  const whole = (JSON.parse(JSON.stringify(answer.body())) as { content: Block[] }).content;
  const streamed: Block[] = [];
  for (const event of streamOf(messageFrames(head, { promptTokens: 1, requestId: "r" }), events)) {
    if (event["type"] === "content_block_start") streamed[event["index"]] = { ...event["content_block"], json: "" };
    else if (event["type"] === "content_block_delta")
      for (const [field, text] of Object.entries(event["delta"]).filter(([field]) => field !== "type")) {
        const name = field === "partial_json" ? "json" : field;
        streamed[event["index"]]![name] = (streamed[event["index"]]![name] ?? "") + text;
      }
  }
  return [whole, streamed];
}

function isObject(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

for (const [format, cases] of readCorpus()) {
  describe(`outputs in the format ${format}, from ids to the wire`, () => {
    const tools = findToolFormat(format, noHints)!;
    const reasoning = findReasoningFormat(reasoningOf(format), noHints)!;
    const markers = [...new Set([...tools.markers, ...reasoning.markers])];
    const tokenizer = Tokenizer.from(byteLevel(markers.map(content => ({ content }))), {}, "corpus");

    for (const each of cases) {
      test(each.name, () => {
        const events = read(each, tools, reasoning, tokenizer);
        const expected = expectedOf(each);
        const [whole, streamed] = openai(events);
        expect(whole).toEqual(expected);
        expect(streamed).toEqual(expected);
        const [message, blocks] = anthropic(events);
        const texts = (list: readonly Block[], field: string) => list.map(block => (block[field] as string | undefined) ?? "").join("");
        for (const list of [message, blocks]) {
          expect([texts(list, "text"), texts(list, "thinking")]).toEqual([expected.text, expected.reasoning]);
          expect(list.flatMap(block => (block["type"] === "tool_use" ? [block["name"]] : []))).toEqual(expected.calls.map(({ name }) => name));
        }
        expect(blocks.flatMap(block => (block["type"] === "tool_use" ? [block["json"]] : []))).toEqual(expected.calls.map(call => call.arguments));
        const inputs = message.flatMap(block => (block["type"] === "tool_use" ? [block["input"]] : []));
        expected.calls.forEach((call, i) => isObject(call.arguments) && expect(inputs[i]).toEqual(JSON.parse(call.arguments)));
      });
    }
  });
}
