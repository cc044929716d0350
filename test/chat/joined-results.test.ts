import { expect, test } from "bun:test";
import { joinResults } from "../../src/chat/joined-results.ts";

const user = { role: "user", content: "?" };
const calls = [{ type: "function", id: "c1", function: { name: "f", arguments: {} } }];
const calling = { role: "assistant", content: "", tool_calls: calls };
const result = (name: string, content: string) => ({ role: "tool", content, tool_call_id: "c1", name });

test("results become part of the message that called, objects as objects, and so does the answer behind them", () => {
  const told = joinResults([user, calling, result("f", '{"a": 1}'), result("g", "seven"), { role: "assistant", content: "7" }, user]);
  const responses = [
    { name: "f", response: { a: 1 } },
    { name: "g", response: "seven" },
  ];
  expect(told).toEqual([user, { ...calling, tool_responses: responses, content: "7" }, user]);
});

test("further calls are a message of their own, and what was said before calls stands before them", () => {
  const said = { role: "assistant", content: "Let me look.", tool_calls: calls };
  const told = joinResults([user, said, result("f", "1"), calling, result("f", "2")]);
  const [one, two] = ["1", "2"].map(response => ({ ...calling, tool_responses: [{ name: "f", response }] }));
  expect(told).toEqual([user, { role: "assistant", content: "Let me look." }, one!, two!]);
});

test("a second answer, answers without results and results without calls stay as they are", () => {
  const answer = { role: "assistant", content: "!" };
  const told = joinResults([result("f", "1"), calling, answer, user, calling, result("f", "1"), answer, answer]);
  const full = { ...calling, tool_responses: [{ name: "f", response: "1" }], content: "!" };
  expect(told).toEqual([result("f", "1"), calling, answer, user, full, answer]);
});
