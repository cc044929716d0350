import { describe, expect, test } from "bun:test";
import { hermes } from "../../src/parsers/tools/hermes.ts";
import { cuts, play, withTokens, type Outcome } from "./cuts.ts";

const markers = ["<tool_call>", "</tool_call>"];
const open = () => hermes.open({ tokens: new Set(), tools: [] });
const openWithTokens = () => hermes.open({ tokens: new Set(markers), tools: [] });

/** The outcome of every cut, once checked to be one. */
function everyCut(text: string): Outcome {
  const whole = play([text], open());
  for (const pieces of cuts(text)) expect(play(pieces, open())).toEqual(whole);
  return whole;
}

const call = (name: string, args: string, valid = true) => ({ name, arguments: args, valid });
const tagged = (json: string) => `<tool_call>\n${json}\n</tool_call>`;

interface Case {
  readonly text: string;
  readonly calls?: ReturnType<typeof call>[];
  readonly content?: string;
}

const cases: Readonly<Record<string, Case>> = {
  "plain text": { text: "Hello, world. ", content: "Hello, world. " },
  "one call": { text: tagged('{"name": "f", "arguments": {"city": "Paris"}}'), calls: [call("f", '{"city": "Paris"}')] },
  "text before a call": { text: `Let me see.\n${tagged('{"name": "f", "arguments": {}}')}`, content: "Let me see.", calls: [call("f", "{}")] },
  "text after a call": { text: `${tagged('{"name": "f", "arguments": {}}')}\n done.\n`, content: "done.\n", calls: [call("f", "{}")] },
  "two calls": {
    text: `${tagged('{"name": "a", "arguments": {"x": 1}}')}\n${tagged('{"name": "b", "arguments": {"y": [1, {"z": 2}]}}')}`,
    calls: [call("a", '{"x": 1}'), call("b", '{"y": [1, {"z": 2}]}')],
  },
  "text between calls": {
    text: `one\n${tagged('{"name": "a", "arguments": {}}')}\ntwo ${tagged('{"name": "b", "arguments": {}}')}\nthree`,
    content: "onetwothree",
    calls: [call("a", "{}"), call("b", "{}")],
  },
  "no blank space at all": { text: '<tool_call>{"name":"f","arguments":{"a":1}}</tool_call>', calls: [call("f", '{"a":1}')] },
  "braces, quotes and tags in strings": {
    text: tagged('{"name": "write", "arguments": {"text": "} \\" </tool_call> { <tool_call> \\\\"}}'),
    calls: [call("write", '{"text": "} \\" </tool_call> { <tool_call> \\\\"}')],
  },
  "letters of all kinds": {
    text: tagged('{"name": "wetter", "arguments": {"ort": "Zürich 🏔️ 東京", "e": "\\u00e9"}}'),
    calls: [call("wetter", '{"ort": "Zürich 🏔️ 東京", "e": "\\u00e9"}')],
  },
  "blank space inside the arguments is kept": { text: tagged('{"name": "f", "arguments": {\n  "a" : 1\n}}'), calls: [call("f", '{\n  "a" : 1\n}')] },
  "arguments before the name": { text: tagged('{"arguments": {"a": 1}, "name": "f"}'), calls: [call("f", '{"a": 1}')] },
  "other keys": {
    text: tagged('{"id": 7, "type": "function", "name": "f", "x": [1, "]"], "arguments": {"a": 1}, "y": null}'),
    calls: [call("f", '{"a": 1}')],
  },
  "parameters in the place of arguments": { text: tagged('{"name": "f", "parameters": {"a": 1}}'), calls: [call("f", '{"a": 1}')] },
  "no arguments": { text: tagged('{"name": "f"}'), calls: [call("f", "{}")] },
  "null arguments": { text: tagged('{"name": "f", "arguments": null}'), calls: [call("f", "{}")] },
  "arguments as a string": { text: tagged('{"name": "f", "arguments": "{\\"a\\": 1}"}'), calls: [call("f", '{"a": 1}')] },
  "arguments that are no object": { text: tagged('{"name": "f", "arguments": [1]}'), calls: [call("f", "[1]", false)] },
  "arguments twice": { text: tagged('{"name": "f", "arguments": {"a": 1}, "arguments": {"b": 2}}'), calls: [call("f", '{"a": 1}')] },
  "arguments that are no JSON": { text: tagged('{"name": "f", "arguments": {city: Paris}}'), calls: [call("f", "{city: Paris}", false)] },
  "an escaped name": { text: tagged('{"name": "f\\u0061", "arguments": {}}'), calls: [call("fa", "{}")] },
  "a brace too many": { text: `${tagged('{"name": "f", "arguments": {}}}')}ok`, calls: [call("f", "{}")], content: "ok" },
  "a brace too few": { text: tagged('{"name": "f", "arguments": {"a": 1}'), calls: [call("f", '{"a": 1}')] },
  "arguments cut off by the closing tag": {
    text: `${tagged('{"name": "f", "arguments": {"a": 1')}ok`,
    calls: [call("f", '{"a": 1\n}')],
    content: "ok",
  },
  "two objects in one pair of tags": {
    text: tagged('{"name": "a", "arguments": {}}\n{"name": "b", "arguments": {"x": 1}}'),
    calls: [call("a", "{}"), call("b", '{"x": 1}')],
  },
  "something else after the object": { text: tagged('{"name": "a", "arguments": {}} {oops'), calls: [call("a", "{}")], content: "{oops" },
  "no closing tag": { text: '<tool_call>{"name": "f", "arguments": {"a": 1}}', calls: [call("f", '{"a": 1}')] },
  "no closing tag before the next call": {
    text: '<tool_call>{"name": "a", "arguments": {}}<tool_call>{"name": "b", "arguments": {}}</tool_call>',
    calls: [call("a", "{}"), call("b", "{}")],
  },
  "cut off in the arguments": { text: '<tool_call>{"name": "f", "arguments": {"a": "Par', calls: [call("f", '{"a": "Par', false)] },
  "cut off before the arguments": { text: 'Hi <tool_call>{"name": "f", "arg', content: 'Hi <tool_call>{"name": "f", "arg' },
  "cut off in the tag": { text: "Hi <tool_ca", content: "Hi <tool_ca" },
  "bad JSON": { text: "<tool_call>{bad json}</tool_call>", content: "<tool_call>{bad json}</tool_call>" },
  "no name": { text: tagged('{"arguments": {}}'), content: tagged('{"arguments": {}}') },
  "a name that is no text": { text: tagged('{"name": 7, "arguments": {}}'), content: tagged('{"name": 7, "arguments": {}}') },
  "talking about the tag": {
    text: `Write <tool_call> and then JSON.\n\n${tagged('{"name": "f", "arguments": {}}')}`,
    content: "Write <tool_call> and then JSON.",
    calls: [call("f", "{}")],
  },
  "an opening tag in an opening tag": {
    text: `<tool_call>\n${tagged('{"name": "f", "arguments": {}}')}`,
    content: "<tool_call>",
    calls: [call("f", "{}")],
  },
  "a closing tag alone": { text: "a </tool_call> b", content: "a </tool_call> b" },
  "another tag": { text: "<tool_calls>[]</tool_calls> <think>", content: "<tool_calls>[]</tool_calls> <think>" },
  nothing: { text: "" },
};

describe("tool calls between tags come out the same for every cut", () => {
  for (const [name, { text, calls = [], content = "" }] of Object.entries(cases)) {
    test(name, () => {
      const outcome = everyCut(text);
      expect(outcome.calls).toEqual(calls);
      expect(outcome.text).toBe(content);
    });
  }
});

describe("where the tags are tokens of their own", () => {
  test("a call is found", () => {
    const text = `Hi\n${tagged('{"name": "f", "arguments": {"a": 1}}')}\nok`;
    for (const pieces of cuts(text)) {
      if (!markers.every(marker => pieces.some(piece => piece.includes(marker)))) continue;
      const outcome = play(withTokens(pieces, markers), openWithTokens());
      expect(outcome).toEqual({ text: "Hiok", reasoning: "", calls: [call("f", '{"a": 1}')], order: "tct" });
    }
  });

  test("a tag spelled out in ordinary tokens is text", () => {
    const text = `Hi ${tagged('{"name": "f", "arguments": {}}')} ok`;
    for (const pieces of cuts(text)) expect(play(pieces, openWithTokens())).toMatchObject({ text, calls: [] });
  });

  test("a closing tag ends arguments that were left unfinished", () => {
    const pieces = withTokens(['<tool_call>{"name": "f", "arguments": {"a": 1</tool_call>ok'], markers);
    expect(play(pieces, openWithTokens())).toMatchObject({ text: "ok", calls: [call("f", '{"a": 1}')] });
  });
});

test("arguments come while they are written", () => {
  const parser = open();
  const feed = (text: string) => parser.feed({ text, token: false });
  expect(feed('<tool_call>{"name": "f", ')).toEqual([]);
  expect(feed('"arguments": {"ci')).toEqual([
    { type: "call", name: "f" },
    { type: "arguments", text: '{"ci' },
  ]);
  expect(feed('ty": "Pa')).toEqual([{ type: "arguments", text: 'ty": "Pa' }]);
  expect(feed('ris"}')).toEqual([{ type: "arguments", text: 'ris"}' }]);
  expect(feed("}")).toEqual([{ type: "call-end", valid: true }]);
  expect(feed("</tool_call>")).toEqual([]);
  expect(parser.end()).toEqual([]);
});

test("ordinary text is not held back", () => {
  const parser = open();
  for (const text of ["Hello", ",", " wor", "ld", " 1 < 2", ".", " <b>"])
    expect(parser.feed({ text, token: false })).toEqual([{ type: "text", text, token: false }]);
});
