import { describe, expect, test } from "bun:test";
import { CallStream, type CallStreamOptions } from "../../src/chat/calls.ts";
import type { ChatEvent } from "../../src/chat/types.ts";

const options: CallStreamOptions = { choice: 0, offered: [], parallel: true, ids: "call", earlier: [] };

function stream(changes: Partial<CallStreamOptions> = {}) {
  const calls = new CallStream({ ...options, ...changes });
  const say = (name: string, pieces: readonly string[], id?: string): ChatEvent[] => [
    ...calls.take({ type: "call", name, ...(id !== undefined && { id }) }),
    ...pieces.flatMap(text => calls.take({ type: "arguments", text })),
    ...calls.take({ type: "call-end", valid: true }),
  ];
  return { calls, say };
}

const shown = (events: readonly ChatEvent[]) =>
  events.map(event => (event.type === "tool-call" ? `${event.index} ${event.name}` : event.type === "tool-arguments" ? event.text : event.type));

describe("repeated calls", () => {
  test("are left out when they say the same word for word", () => {
    const { calls, say } = stream();
    expect(shown(say("f", ['{"a"', ": 1}"]))).toEqual(["0 f", '{"a"', ": 1}"]);
    expect(shown(say("f", ['{"a"', ": 1", "}"]))).toEqual([]);
    expect(shown(say("g", ['{"a": 1}']))).toEqual(["1 g", '{"a": 1}']);
    expect([calls.count, calls.finished]).toEqual([2, false]);
  });

  test("come out as soon as they differ from all earlier ones", () => {
    const { say } = stream();
    say("f", ['{"a": 1}']);
    expect(shown(say("f", ['{"a', '": ', "2", "}"]))).toEqual(["1 f", '{"a": 2', "}"]);
    expect(shown(say("f", ['{"a": 2']))).toEqual(["2 f", '{"a": 2']);
    expect(shown(say("f", []))).toEqual(["3 f"]);
  });

  test("end an answer that does nothing else", () => {
    const { calls, say } = stream();
    for (let i = 0; i < 9; i++) say("f", ["{}"]);
    expect([calls.count, calls.finished]).toEqual([1, false]);
    say("f", ["{}"]);
    expect([calls.count, calls.finished]).toEqual([1, true]);
  });

  test("of one tool with other arguments are all wanted, up to a limit", () => {
    const { calls, say } = stream();
    for (let i = 0; i < 127; i++) say("f", [`{"n": ${i}}`]);
    expect([calls.count, calls.finished]).toEqual([127, false]);
    say("f", ['{"n": "last"}']);
    expect([calls.count, calls.finished]).toEqual([128, true]);
  });
});

test("one call is the last where they must not be parallel", () => {
  const { calls, say } = stream({ parallel: false });
  say("f", ["{}"]);
  expect(calls.finished).toBe(true);
});

describe("ids", () => {
  const idsOf = (events: readonly ChatEvent[]) => events.flatMap(event => (event.type === "tool-call" ? [event.id] : []));

  test("are the model's own where they fit and are new", () => {
    const { say } = stream({ ids: "kimi", earlier: ["functions.f:0"] });
    expect(idsOf(say("f", ["{}"], "functions.f:1"))).toEqual(["functions.f:1"]);
    expect(idsOf(say("g", ["{}"], "functions.f:1"))).toEqual(["functions.g:2"]);
    expect(idsOf(say("h", ["{}"], "h"))).toEqual(["functions.h:3"]);
  });

  test("have nine letters for Mistral", () => {
    const { say } = stream({ ids: "mistral" });
    const [first, second] = [...idsOf(say("f", ["{}"])), ...idsOf(say("g", ["{}"], "abcdefgh1"))];
    expect(first).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(second).toBe("abcdefgh1");
  });
});

test("arguments become what the tool's schema asks for", () => {
  const { say } = stream({ offered: [{ name: "f", parameters: { properties: { n: { type: "integer" } } } }] });
  expect(shown(say("f", ['{"n": "', '3"', "}"]))).toEqual(["0 f", '{"n": ', "3", "}"]);
});
