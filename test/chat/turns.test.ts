// Conversations as clients have them, through templates that want the system message first or not at all, and the roles to take turns.
import { describe, expect, test } from "bun:test";
import { readConventions } from "../../src/chat/conventions.ts";
import { renderText } from "../../src/chat/render.ts";
import { arrangeTurns } from "../../src/chat/turns.ts";
import type { Message } from "../../src/chat/types.ts";
import { ChatTemplate } from "../../src/tokenizer/template.ts";
import { chatTemplate } from "../tokenizer/fixtures.ts";
import { chat, openTestService } from "./service.ts";

const anything = `{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}`;
const systemFirst = `{% for message in messages %}{% if message.role == 'system' and not loop.first %}{{ raise_exception('System message must be at the beginning.') }}{% endif %}<{{ message.role }}>{{ message.content }}{% endfor %}`;
const alternating = `{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}<{{ message.role }}>{{ message.content }}{% endfor %}`;
const ignoring = `{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}<system>{{ messages[0].content }}{% else %}{% set rest = messages %}{% endif %}{% for message in rest %}{% if message.role != 'system' %}<{{ message.role }}>{{ message.content }}{% endif %}{% endfor %}`;

const conversation: Message[] = [
  { role: "system", content: "S" },
  { role: "developer", content: "T" },
  { role: "user", content: "A" },
  { role: "user", content: "B" },
  { role: "assistant", content: "C" },
  { role: "developer", content: "D" },
  { role: "user", content: "E" },
];

const cases: [name: string, template: string, text: string][] = [
  ["takes anything", anything, "<system>S<system>T<user>A<user>B<assistant>C<system>D<user>E"],
  ["wants the system first", systemFirst, "<system>S\n\nT<user>A<user>B<assistant>C<user>D<user>E"],
  ["would leave later system messages out", ignoring, "<system>S\n\nT<user>A<user>B<assistant>C<user>D<user>E"],
  ["knows no system and wants turns", alternating, "<user>S\n\nT\n\nA\n\nB<assistant>C<user>D\n\nE"],
];

test.each(cases)("a template that %s gets every word in its place", async (_, chat_template, text) => {
  const files = { "tokenizer_config.json": { eos_token: "<|im_end|>", chat_template } };
  const { service } = openTestService({ files });
  expect(await renderText(service, chat({ messages: conversation }))).toBe(text);
});

test("Qwen's manner takes conversations as they are", () => {
  const { system, laterSystem, repeats } = readConventions(new ChatTemplate({ default: chatTemplate }, {}));
  expect([system, laterSystem, repeats]).toEqual([true, true, true]);
});

describe("joined turns of the assistant", () => {
  test("keep their thoughts and calls", () => {
    const call = (id: string) => ({ id, name: "f", arguments: "{}" });
    const messages: Message[] = [
      { role: "user", content: "?" },
      { role: "assistant", content: "", reasoning: "a", toolCalls: [call("1")] },
      { role: "assistant", content: "x", reasoning: "b", toolCalls: [call("2")] },
    ];
    expect(arrangeTurns(messages, { system: true, laterSystem: true, repeats: false })).toEqual([
      { role: "user", content: "?" },
      { role: "assistant", content: "x", reasoning: "a\n\nb", toolCalls: [call("1"), call("2")] },
    ]);
  });
});
