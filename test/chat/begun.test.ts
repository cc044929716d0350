// Answers that the client has begun: the prompt ends with the client's last letter, whatever the template writes behind it.
import { describe, expect, test } from "bun:test";
import { ApiError } from "../../src/chat/error.ts";
import { renderText } from "../../src/chat/render.ts";
import { prepareChat, runChat } from "../../src/chat/run.ts";
import type { ChatRequest, Message, Tool } from "../../src/chat/types.ts";
import { chat, collect, fold, generation, openTestService } from "./service.ts";

const never = new AbortController().signal;
const begun = (content: string, more: Partial<ChatRequest> = {}, reasoning?: string): ChatRequest => {
  const last: Message = { role: "assistant", content, ...(reasoning !== undefined && { reasoning }) };
  return chat({ messages: [{ role: "user", content: "Hi" }, last], continues: true, ...more });
};
const withTemplate = (template: string) => openTestService({ files: { "tokenizer_config.json": { chat_template: template } } }).service;

const trims = `{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`;
const thinks = `{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% set content = m.content.split('</think>')[-1].lstrip('\\n') %}{% if loop.last or m.reasoning_content %}<think>\n{{ m.reasoning_content or '' }}\n</think>\n\n{% endif %}{{ content }}{% else %}{{ m.content }}{% endif %}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`;
const shouts = `{% for m in messages %}<{{ m.role }}>{{ m.content | upper }}{% endfor %}`;
const twice = `{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ m.content }}{% endfor %}`;
const silent = `{% for m in messages %}{% if m.role == 'user' %}<user>{{ m.content }}{% endif %}{% endfor %}`;
const turns = `{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}`;

describe("the prompt ends with the begun text", () => {
  test.each([
    ["and its blanks, though the template trims", trims, "So: ", undefined, "<user>Hi<end><assistant>So: "],
    ["also when there is none yet", trims, "", undefined, "<user>Hi<end><assistant>"],
    ["behind the thinking that the template writes", thinks, "So", undefined, "<user>Hi<end><assistant><think>\n\n</think>\n\nSo"],
    ["behind the client's thinking", thinks, "So", "hm", "<user>Hi<end><assistant><think>\nhm\n</think>\n\nSo"],
  ])("%s", async (_, template, content, reasoning, text) => {
    expect(await renderText(withTemplate(template), begun(content, {}, reasoning))).toBe(text);
  });

  test("and two messages of the assistant in a row are one where the template wants that", async () => {
    const messages: Message[] = [
      { role: "user", content: "Hi" },
      { role: "assistant", content: "A" },
      { role: "assistant", content: "B" },
    ];
    expect(await renderText(withTemplate(turns), chat({ messages, continues: true }))).toBe("<user>Hi<end><assistant>A\n\nB");
  });

  test("and without it the same messages are a finished turn", async () => {
    const { continues: _, ...finished } = begun("So");
    expect(await renderText(withTemplate(trims), finished)).toBe("<user>Hi<end><assistant>So<end><assistant>");
  });
});

describe("the answer", () => {
  test("is what comes behind, blanks included, and a tag in it is text", async () => {
    const { service, engine } = openTestService({ says: " so <think> on" });
    const [said] = fold(await collect(runChat(service, begun("And"), never)));
    expect(said).toMatchObject({ text: " so <think> on", reasoning: "" });
    expect(service.tokenizer.decode(engine.sequences[0]!.request.prompt, { skipSpecial: false })).toEndWith("And");
  });

  test("still thinks where the begun text has just opened thinking", async () => {
    const [said] = fold(await collect(runChat(openTestService({ says: "hm</think>\n\nSo" }).service, begun("<think>\n"), never)));
    expect(said).toMatchObject({ text: "So", reasoning: "hm" });
  });

  test("can still be a call", async () => {
    const tools: Tool[] = [{ name: "f", strict: true, parameters: { type: "object", properties: {} } }];
    const says = ' it:\n<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>';
    const [said] = fold(await collect(runChat(openTestService({ says }).service, begun("I call", { tools }), never)));
    expect(said).toMatchObject({ calls: [{ name: "f", arguments: "{}" }], finish: { reason: "tool_calls" } });
  });
});

describe("refused by name:", () => {
  const refusal = async (service: ReturnType<typeof withTemplate>, request: ChatRequest) => {
    const error = await prepareChat(service, request).catch((thrown: unknown) => thrown);
    if (!(error instanceof ApiError)) throw new Error(`not refused: ${String(error)}`);
    return [error.status, error.param, error.code];
  };

  test.each([
    ["writes it in capitals", shouts],
    ["shows it twice", twice],
    ["leaves it out", silent],
  ])("a template that %s", async (_, template) => {
    expect(await refusal(withTemplate(template), begun("So"))).toEqual([400, "messages", "cannot_continue"]);
  });

  test("a last message with calls, or of the user", async () => {
    const calls = begun("", { messages: [{ role: "assistant", content: "", toolCalls: [{ id: "a", name: "f", arguments: "{}" }] }] });
    for (const request of [calls, chat({ continues: true })])
      expect(await refusal(openTestService().service, request)).toEqual([400, "messages", "cannot_continue"]);
  });

  test("what would hold the answer from its first letter on", async () => {
    const { service } = openTestService();
    const tools: Tool[] = [{ name: "f" }];
    const held = generation({ constraint: { type: "json-object", field: "response_format" } });
    expect(await refusal(service, begun("{", { generation: held }))).toEqual([400, "response_format", "invalid_value"]);
    expect(await refusal(service, begun("So", { tools, toolChoice: "required" }))).toEqual([400, "tool_choice", "invalid_value"]);
  });
});
