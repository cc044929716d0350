import { describe, expect, test } from "bun:test";
import type { Conventions } from "../../src/chat/conventions.ts";
import { toTemplateMessages, toTemplateTools } from "../../src/chat/messages.ts";
import type { Message } from "../../src/chat/types.ts";

const usual: Conventions = {
  developer: false,
  system: true,
  laterSystem: true,
  repeats: true,
  argumentsAs: "object",
  joinsResults: false,
  reasoningKeys: ["reasoning_content"],
  shows: { tools: true, calls: true, results: true },
};

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
    const [first, , third] = toTemplateMessages(messages, { ...usual, developer: true, argumentsAs: "text", reasoningKeys: [] });
    expect(first).toEqual({ role: "developer", content: "Be nice." });
    expect(third).toMatchObject({ tool_calls: [{ function: { arguments: '{"a": 1}' } }, { function: { arguments: "{oops" } }] });
    expect(third).not.toHaveProperty("reasoning_content");
  });

  test("with ids that the template takes, the same in every turn", () => {
    const idsIn = (ids: "kimi" | "mistral") =>
      toTemplateMessages(messages, usual, ids).flatMap(message => {
        const calls = (message["tool_calls"] as { id: string }[] | undefined) ?? [];
        return [...calls.map(each => each.id), ...(message["tool_call_id"] === undefined ? [] : [message["tool_call_id"]])];
      });
    expect(idsIn("kimi").slice(0, 3)).toEqual(["functions.f:0", "functions.g:1", "functions.f:0"]);
    const [first, second, answer, stranger] = idsIn("mistral");
    for (const id of [first, second, stranger]) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect([answer === first, first === second, idsIn("mistral")[0]]).toEqual([true, false, first]);
  });

  test("and tools stand in OpenAI's wrapper", () => {
    expect(JSON.stringify(toTemplateTools([{ name: "f", description: "d", parameters: { type: "object" }, strict: true }, { name: "g" }]))).toBe(
      '[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}}]',
    );
  });
});
