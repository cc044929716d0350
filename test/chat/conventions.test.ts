import { describe, expect, test } from "bun:test";
import { readConventions } from "../../src/chat/conventions.ts";
import { ChatTemplate } from "../../src/tokenizer/template.ts";
import { chatTemplate } from "../tokenizer/fixtures.ts";

const conventionsOf = (source: string) => readConventions(new ChatTemplate({ default: source }, {}));
const all = { tools: true, calls: true, results: true };
const none = { tools: false, calls: false, results: false };
const usual = {
  developer: false,
  system: true,
  laterSystem: true,
  repeats: true,
  argumentsAs: "object",
  joinsResults: false,
  reasoningKeys: ["reasoning_content"],
  shows: all,
} as const;

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
    expect(conventionsOf("{{ raise_exception('no') }}")).toEqual({
      ...usual,
      system: false,
      laterSystem: false,
      repeats: false,
      reasoningKeys: [],
      shows: none,
    });
  });

  test("which roles, and what of tools, it shows", () => {
    const turns = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";
    expect(conventionsOf(turns)).toEqual({ ...usual, reasoningKeys: [], shows: none });
    expect(conventionsOf(`{{ tools }}${turns}`).shows).toEqual({ tools: true, calls: false, results: true });
    const strict =
      "{% for m in messages %}{% if m.role not in ['user', 'assistant'] %}{{ raise_exception('?') }}{% endif %}{{ m.content }}{% endfor %}";
    expect(conventionsOf(strict)).toMatchObject({ system: false, shows: none });
    expect(conventionsOf(`{{ tools }}${strict}`).shows).toEqual({ tools: true, calls: false, results: false });
  });

  test("results stand in the message of their calls where it looks for them there and knows no role for them", () => {
    const joins = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for r in m.tool_responses %}{{ r.name }}{% endfor %}{% endfor %}";
    expect(conventionsOf(joins).joinsResults).toBe(true);
    expect(conventionsOf(joins.replace("<{{ m.role }}>", "{% if m.role == 'tool' %}[]{% endif %}")).joinsResults).toBe(false);
    expect(conventionsOf(joins.replace("m.tool_responses", "m.tool_calls")).joinsResults).toBe(false);
  });
});
