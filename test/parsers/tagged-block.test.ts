import { describe, expect, test } from "bun:test";
import { thinkTags } from "../../src/parsers/reasoning/tags.ts";
import { hermes } from "../../src/parsers/tools/hermes.ts";
import { cuts, play, withTokens, type Outcome } from "./cuts.ts";

const open = (startsOpen: boolean) => thinkTags.open({ tokens: new Set(), startsOpen });
const openTools = () => hermes.open({ tokens: new Set(), tools: [] });

function everyCut(text: string, startsOpen: boolean, tools: boolean): Outcome {
  const machines = () => [tools ? openTools() : undefined, open(startsOpen)] as const;
  const whole = play([text], ...machines());
  for (const pieces of cuts(text)) expect(play(pieces, ...machines())).toEqual(whole);
  return whole;
}

interface Case {
  readonly text: string;
  readonly startsOpen?: boolean;
  readonly reasoning?: string;
  readonly content?: string;
}

const cases: Readonly<Record<string, Case>> = {
  "no reasoning": { text: "\nplain <b> text\n", content: "\nplain <b> text\n" },
  "a block, then content": { text: "<think>\na b\n\nc\n</think>\n\nSo: d\n", reasoning: "a b\n\nc", content: "So: d\n" },
  "a block that the prompt opened": { text: "a b\n</think>\n\nc", startsOpen: true, reasoning: "a b", content: "c" },
  "a block opened twice": { text: "\n<think>\na</think>b", startsOpen: true, reasoning: "a", content: "b" },
  "an opening tag inside a block": { text: "<think>what does <think> mean</think>b", reasoning: "what does <think> mean", content: "b" },
  "an empty block": { text: "<think>\n\n</think>\n\nb", content: "b" },
  "a block closed once more": { text: "</think>\n\nb", content: "b" },
  "blank space before a block": { text: " \n<think>a</think> b", reasoning: "a", content: "b" },
  "two blocks in a row": { text: "<think>a</think>\n<think>b</think>\nc", reasoning: "ab", content: "c" },
  "a block that never closes": { text: "<think>a\n", reasoning: "a" },
  "a block of the prompt that never closes": { text: "a </thin", startsOpen: true, reasoning: "a </thin" },
  "talking about the tags": { text: "Use <think> and </think>.", content: "Use <think> and </think>." },
  "a closing tag without a block": { text: "a</think>b", content: "a</think>b" },
  "only reasoning": { text: "<think>a</think>\n", reasoning: "a" },
  "a tag cut off at the end": { text: "<thin", content: "<thin" },
  "blank space only": { text: " \n", content: " \n" },
  "letters of all kinds": { text: "<think>日本語 🤔</think>👍🏽 ok", reasoning: "日本語 🤔", content: "👍🏽 ok" },
  nothing: { text: "" },
};

describe("reasoning between tags comes out the same for every cut", () => {
  for (const [name, { text, startsOpen = false, reasoning = "", content = "" }] of Object.entries(cases)) {
    test(name, () => {
      expect(everyCut(text, startsOpen, false)).toEqual({ text: content, reasoning, calls: [], order: expect.any(String) });
      const withTools = everyCut(text, startsOpen, true);
      expect([withTools.reasoning, withTools.text]).toEqual([reasoning, content]);
    });
  }
});

describe("reasoning and tool calls", () => {
  const f = '<tool_call>\n{"name": "f", "arguments": {"a": "</think>"}}\n</tool_call>';
  const call = { name: "f", arguments: '{"a": "</think>"}', valid: true };

  test("a call after reasoning", () => {
    expect(everyCut(`<think>\na\n</think>\n\n${f}`, false, true)).toEqual({ text: "", reasoning: "a", calls: [call], order: "rc" });
  });

  test("reasoning, text, a call, reasoning again, a call, text", () => {
    const text = `<think>a</think>\n\nb\n${f}\n<think>c</think>\n${f}\nd`;
    expect(everyCut(text, false, true)).toEqual({ text: "bd", reasoning: "ac", calls: [call, call], order: "rtcrct" });
  });

  test("a call inside a block is a call, and the block goes on", () => {
    expect(everyCut(`a\n${f}\nb</think>c`, true, true)).toEqual({ text: "c", reasoning: "ab", calls: [call], order: "rcrt" });
  });

  test("what is no call stays where it was written", () => {
    expect(everyCut("<think>say <tool_call> {x}</tool_call> now</think>c", false, true)).toEqual({
      text: "c",
      reasoning: "say <tool_call> {x}</tool_call> now",
      calls: [],
      order: "rt",
    });
  });

  test("a tag as a token is seen behind blank space that a call might have followed", () => {
    const tokens = ["<think>", "</think>", "<tool_call>", "</tool_call>"];
    const pieces = withTokens(["<think>", "a\n", "\n", "</think>", "\n\n", "b"], tokens);
    const machines = [hermes.open({ tokens: new Set(tokens), tools: [] }), thinkTags.open({ tokens: new Set(tokens), startsOpen: false })] as const;
    expect(play(pieces, ...machines)).toEqual({ text: "b", reasoning: "a", calls: [], order: "rt" });
  });
});

test("where the tags are tokens, spelled out they are text", () => {
  const parser = thinkTags.open({ tokens: new Set(["<think>", "</think>"]), startsOpen: true });
  const pieces = ["the tag </think", "> is ", { text: "</think>", token: true }, "so"];
  expect(play(pieces, undefined, parser)).toEqual({ text: "so", reasoning: "the tag </think> is", calls: [], order: "rt" });
});

test("the parser says whether it is inside a block", () => {
  const parser = open(false);
  const states = ["\n", "<think>", "a", "</think>", "b"].map(text => {
    parser.feed({ text, token: false });
    return parser.reasoning;
  });
  expect(states).toEqual([false, true, true, false, false]);
});

test("the prompt tells where the answer begins", () => {
  expect(thinkTags.startsOpen("<|im_start|>assistant\n<think>\n")).toBe(true);
  expect(thinkTags.startsOpen("<|im_start|>assistant\n<think>\n\n</think>\n\n")).toBe(false);
  expect(thinkTags.startsOpen("<|im_start|>user\n<think><|im_end|>\n<|im_start|>assistant\n")).toBe(false);
});
