import { describe, expect, test } from "bun:test";
import { tellTools } from "../../src/chat/tool-text.ts";
import type { Message, Tool } from "../../src/chat/types.ts";
import { findToolFormat, toolFormats } from "../../src/parsers/registry.ts";
import type { ToolFormat } from "../../src/parsers/types.ts";
import { play } from "../parsers/cuts.ts";
import { runChat } from "../../src/chat/run.ts";
import { chat, collect, fold, openTestService } from "./service.ts";

const formatOf = (name: string): ToolFormat => findToolFormat(name, { template: "", hasToken: () => false })!;
const tools: readonly Tool[] = [{ name: "f", description: "Does f.", parameters: { type: "object", properties: { a: { type: "integer" } } } }];
const nothing = { tools: false, calls: false, results: false };
const messages: readonly Message[] = [
  { role: "user", content: "Hi" },
  {
    role: "assistant",
    content: "Let me see.",
    toolCalls: [
      { id: "1", name: "f", arguments: '{"a": 1}' },
      { id: "2", name: "g", arguments: "{}" },
    ],
  },
  { role: "tool", content: "7", toolCallId: "1" },
  { role: "tool", content: "8", toolCallId: "2" },
  { role: "user", content: "And?" },
];

describe("where the template shows nothing of tools", () => {
  const told = tellTools(messages, { format: formatOf("hermes"), tools, conventions: { shows: nothing, system: true } });

  test("the first message describes them and how to call them", () => {
    expect(told[0]).toMatchObject({ role: "system" });
    expect(told[0]!.content).toContain('{"name":"f","description":"Does f.","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}');
    expect(told[0]!.content).toContain('<tool_call>\n{"name": "NAME", "arguments": {"PARAMETER": "VALUE"}}\n</tool_call>');
  });

  test("calls stand in the assistant's words, results in the user's, and the roles take turns", () => {
    expect(told.slice(1)).toEqual([
      { role: "user", content: "Hi" },
      {
        role: "assistant",
        content:
          'Let me see.\n\n<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>\n<tool_call>\n{"name": "g", "arguments": {}}\n</tool_call>',
      },
      { role: "user", content: '<tool_response name="f">\n7\n</tool_response>\n<tool_response name="g">\n8\n</tool_response>\nAnd?' },
    ]);
  });

  test("what is said stands behind the system's own words, or before the user's where that role is unknown", () => {
    const own = tellTools([{ role: "system", content: "Be brief." }, ...messages], {
      format: formatOf("hermes"),
      tools,
      conventions: { shows: nothing, system: true },
    });
    expect(own[0]!.content).toStartWith("Be brief.\n\nYou can call");
    const without = tellTools(messages, { format: formatOf("hermes"), tools, conventions: { shows: nothing, system: false } });
    expect(without[0]).toMatchObject({ role: "user", content: expect.stringMatching(/^You can call[^]*\n\nHi$/) });
  });

  test("a history of calls is told when no tool is offered any more", () => {
    const later = tellTools(messages, { format: formatOf("hermes"), tools: [], conventions: { shows: nothing, system: true } });
    expect(later.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
  });

  for (const format of toolFormats) {
    test(`${format.name} reads the calls of its own history`, () => {
      const [, assistant] = tellTools(messages, { format, tools: [], conventions: { shows: nothing, system: true } });
      const calls = assistant!.content.slice("Let me see.\n\n".length);
      const found = play([calls], format.open({ tokens: new Set(), tools: [...tools, { name: "g" }] })).calls;
      expect(found.map(call => [call.name, JSON.parse(call.arguments)])).toEqual([
        ["f", { a: 1 }],
        ["g", {}],
      ]);
    });
  }
});

test("what the template shows is left to it", () => {
  const conventions = { shows: { tools: true, calls: true, results: true }, system: true };
  const told = tellTools(messages, { format: formatOf("hermes"), tools, conventions });
  expect(told.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "tool", "user"]);
  expect(told[1]).toHaveProperty("toolCalls");
});

test("a model whose template knows no tools is told about them and can call them", async () => {
  const files = { "tokenizer_config.json": { chat_template: "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>" } };
  const opened = openTestService({ says: 'Ok.\n<tool_call>\n{"name": "f", "arguments": {"a": "1"}}\n</tool_call>', files });
  const events = await collect(runChat(opened.service, chat({ tools, messages }), new AbortController().signal));
  expect(fold(events)[0]).toMatchObject({ text: "Ok.", calls: [{ name: "f", arguments: '{"a": 1}' }] });
  const prompt = opened.service.tokenizer.decode(opened.engine.sequences[0]!.request.prompt, { skipSpecial: false });
  expect(prompt).toStartWith("<system>You can call these functions");
  expect(prompt).toContain('<user><tool_response name="f">\n7');
});
