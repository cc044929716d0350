// Strict tools in gpt-oss's channels, whose markers are tokens: messages follow one another, and a call is one of them.
import { expect, test } from "bun:test";
import type { AnswerForm } from "../../src/grammar/answer.ts";
import { GrammarCompiler } from "../../src/grammar/compile.ts";
import { Masks, Matcher } from "../../src/grammar/masks.ts";
import { readVocabulary } from "../../src/grammar/trie.ts";
import { harmonyChannels } from "../../src/parsers/reasoning/harmony.ts";
import { harmonyMarkers, harmonyTools } from "../../src/parsers/tools/harmony.ts";

const BYTES = 256; // ids below are bytes
const STOP = BYTES + harmonyMarkers.length; // <|return|> is a marker; another token that ends an answer
const marker = new RegExp(`(${harmonyMarkers.map(RegExp.escape).join("|")})`);

const vocabulary = readVocabulary({
  vocabSize: STOP + 1,
  has: () => true,
  piece: id => ({ bytes: Uint8Array.of(...(id < BYTES ? [id] : [])) }),
  isAdded: id => id >= BYTES,
});

const idsOf = (text: string): number[] =>
  text.split(marker).flatMap(part => (harmonyMarkers.includes(part) ? [BYTES + harmonyMarkers.indexOf(part)] : [...new TextEncoder().encode(part)]));

const tool = { name: "f", strict: true, parameters: { type: "object", properties: { n: { enum: [1, 2] } }, required: ["n"] } };
const { block, headers } = harmonyChannels;

function formOf(isOpen: boolean): AnswerForm {
  const calls = { format: harmonyTools.name, syntax: harmonyTools.syntax, tools: [tool], required: false, most: 4 };
  return { calls, reasoning: { open: block.open, close: block.close, isOpen, allowed: false, headers } };
}

/** Whether a beginning is allowed, and whether it may be the whole. */
function judge(isOpen: boolean, text: string): "refused" | "begun" | "whole" {
  const compiler = new GrammarCompiler(content => (harmonyMarkers.includes(content) ? idsOf(content)[0] : undefined));
  const { automaton } = compiler.compile(formOf(isOpen), harmonyMarkers);
  const matcher = new Matcher(new Masks(automaton, vocabulary, STOP + 1), [STOP]);
  for (const id of idsOf(text)) {
    if (matcher.allowed(false)?.[id] !== 1) return "refused";
    matcher.accept(id);
  }
  return matcher.allowed(false)?.[STOP] === 1 ? "whole" : "begun";
}

const analysis = "<|channel|>analysis<|message|>";
const final = "<|channel|>final<|message|>";
const next = "<|end|><|start|>assistant";
const call = (args: string) => `<|channel|>commentary to=functions.f <|constrain|>json<|message|>${args}`;

test.each([
  ["whole", false, `${final}Hello.`],
  ["whole", false, `${analysis}Hm.${next}${final}Hello.`],
  ["whole", true, `Hm.${next}${final}Hello.`],
  ["whole", true, `Hm.${next}${call('{"n":1}')}`],
  ["whole", false, `${call('{"n":2}')}<|call|><|start|>assistant${call('{"n":1}')}`],
  ["whole", false, `<|channel|>commentary<|message|>I look.${next}${call('{"n":1}')}`],
  ["whole", false, `${analysis}a${next}${analysis}b${next}${final}c`],
  ["refused", false, `${call('{"n":3')}`],
  ["refused", true, `Hm.${call("")}`],
  ["refused", false, `<|channel|>other`],
  ["refused", false, `<|channel|>commentary to=functions.g`],
] as const)("%s: thinking %p, %s", (verdict, isOpen, text) => {
  expect(judge(isOpen, text)).toBe(verdict);
});
