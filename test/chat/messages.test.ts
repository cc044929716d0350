import { describe, expect, test } from "bun:test";
import { readConventions, toTemplateMessages, toTemplateTools } from "../../src/chat/messages.ts";
import type { Message } from "../../src/chat/types.ts";
import { ChatTemplate } from "../../src/tokenizer/template.ts";
import { chatTemplate } from "../tokenizer/fixtures.ts";

const conventionsOf = (source: string) => readConventions(new ChatTemplate({ default: source }, {}));
const usual = { developer: false, argumentsAs: "object", reasoningKeys: ["reasoning_content"] } as const;

describe("what a template expects is found out", () => {
  test("arguments as objects where they are written as JSON", () => {
    expect(conventionsOf(chatTemplate)).toEqual(usual);
    expect(
      conventionsOf(
        "{% for m in messages %}{% for c in m.tool_calls %}{% for k, v in c.function.arguments | items %}{{ k }}={{ v }}{% endfor %}{% endfor %}{% endfor %}",
      ).argumentsAs,
    ).toBe("object");
  });

  test("arguments as text where they are added to text", () => {
    const adds = "{% for m in messages %}{% for c in m.tool_calls %}{{ c.function.name + '(' + c.function.arguments + ')' }}{% endfor %}{% endfor %}";
    expect(conventionsOf(adds).argumentsAs).toBe("text");
  });

  test("the role of a developer, and the names of reasoning", () => {
    expect(conventionsOf("{% if messages[0].role == 'developer' %}{% endif %}").developer).toBe(true);
    expect(conventionsOf("{{ messages[0]['thinking'] }}{{ messages[0].reasoning }}").reasoningKeys).toEqual(["reasoning", "thinking"]);
    expect(conventionsOf("{% if enable_thinking %}{% endif %}").reasoningKeys).toEqual([]);
  });

  test("and a template that refuses everything is taken as usual", () => {
    expect(conventionsOf("{{ raise_exception('no') }}")).toEqual({ developer: false, argumentsAs: "object", reasoningKeys: [] });
  });
});

describe("messages become what templates know", () => {
  const call = { id: "c1", name: "f", arguments: '{"a": 1}' };
  const messages: Message[] = [
    { role: "developer", content: "Be nice." },
    { role: "user", content: "Hi", name: "Ann" },
    { role: "assistant", content: "", reasoning: "hm", toolCalls: [call, { id: "c2", name: "g", arguments: "{oops" }] },
    { role: "tool", content: "7", toolCallId: "c1" },
    { role: "tool", content: "8", toolCallId: "c9", name: "h" },
  ];

  test("with objects for arguments that parse, and the model's own words for others", () => {
    expect(toTemplateMessages(messages, usual)).toEqual([
      { role: "system", content: "Be nice." },
      { role: "user", content: "Hi", name: "Ann" },
      {
        role: "assistant",
        content: "",
        reasoning_content: "hm",
        tool_calls: [
          { type: "function", id: "c1", function: { name: "f", arguments: { a: 1 } } },
          { type: "function", id: "c2", function: { name: "g", arguments: "{oops" } },
        ],
      },
      { role: "tool", content: "7", tool_call_id: "c1", name: "f" },
      { role: "tool", content: "8", tool_call_id: "c9", name: "h" },
    ]);
  });

  test("with text for arguments, and a developer, where the template wants that", () => {
    const [first, , third] = toTemplateMessages(messages, { developer: true, argumentsAs: "text", reasoningKeys: [] });
    expect(first).toEqual({ role: "developer", content: "Be nice." });
    expect(third).toMatchObject({ tool_calls: [{ function: { arguments: '{"a": 1}' } }, { function: { arguments: "{oops" } }] });
    expect(third).not.toHaveProperty("reasoning_content");
  });

  test("and tools stand in OpenAI's wrapper", () => {
    expect(JSON.stringify(toTemplateTools([{ name: "f", description: "d", parameters: { type: "object" }, strict: true }, { name: "g" }]))).toBe(
      '[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}}]',
    );
  });
});
