// Rows that have a budget of thinking and are held to a grammar: what is written to end the thinking stands in the grammar, in every format
// of reasoning, with any budget, whatever the weights.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { findThinkingIds, thinkingBudgetOf } from "../../src/chat/thinking.ts";
import type { Grammar, Submit, Vocabulary } from "../../src/engine/protocol.ts";
import type { AnswerForm } from "../../src/grammar/answer.ts";
import { GrammarCompiler } from "../../src/grammar/compile.ts";
import { readVocabulary } from "../../src/grammar/trie.ts";
import { loadModel, type LoadedModel } from "../../src/models/load.ts";
import { reasoningFormats, toolFormats } from "../../src/parsers/registry.ts";
import type { ReasoningFormat } from "../../src/parsers/types.ts";
import { MemoryEngine } from "../helpers/memory-engine.ts";
import { openForTests } from "../helpers/mx.ts";
import { greedy } from "../../src/sampling/greedy.ts";
import { submission } from "../helpers/sequences.ts";

const STOP = 0;
const FIRST_MARKER = 97;

/** The tiny model's ids: an end, the printable characters and the line's end, then the markers of a format as tokens. */
function spelling(markers: readonly string[]) {
  const added = new Map(markers.map((marker, i) => [marker, FIRST_MARKER + i]));
  const characterOf = (id: number): string => (id === 96 ? "\n" : String.fromCharCode(31 + id));
  const idOf = (character: string): number => (character === "\n" ? 96 : character.charCodeAt(0) - 31);
  const textOf = (ids: readonly number[]): string =>
    ids.flatMap(id => (id === STOP ? [] : id < FIRST_MARKER ? [characterOf(id)] : [markers[id - FIRST_MARKER]!])).join("");
  const encode = (text: string): Uint32Array => {
    const parts = text.split(new RegExp(`(${markers.map(RegExp.escape).join("|")})`)).filter(part => part !== "");
    return Uint32Array.from(parts.flatMap(part => added.get(part) ?? Array.from(part, idOf)));
  };
  const vocabulary = readVocabulary({
    vocabSize: FIRST_MARKER + markers.length,
    has: () => true,
    piece: id => ({ bytes: new TextEncoder().encode(id > STOP && id < FIRST_MARKER ? characterOf(id) : "") }),
    isAdded: id => id === STOP || id >= FIRST_MARKER,
  });
  return { addedId: (text: string) => added.get(text), encode, leadingSpaces: 0, vocabulary, textOf };
}

const unit = { type: "object", properties: { unit: { enum: ["a", "b"] } }, required: ["unit"], additionalProperties: false };
const tool = { name: "f", strict: true, parameters: unit };

let loaded: LoadedModel;
beforeAll(() => {
  openForTests();
  loaded = loadModel(join(import.meta.dir, "../golden/qwen3/float32"));
});
afterAll(() => loaded.weights.release());

async function run(vocabulary: Vocabulary, all: readonly Submit[]): Promise<MemoryEngine> {
  const engine = new MemoryEngine(loaded, { maxRows: 8, prefillChunk: 16 });
  engine.loop.receive(vocabulary);
  for (const submit of all) engine.loop.receive(submit);
  await engine.finish();
  return engine;
}

describe.each(reasoningFormats.map(format => [format.name, format] as const))("with %s", (_, format: ReasoningFormat) => {
  const tools = toolFormats.find(({ name }) => name === (format.name === "harmony" ? "harmony" : "hermes"))!;
  const markers = [...new Set([...format.markers, ...tools.markers])];
  const known = spelling(markers);
  const { open, close } = format.block;
  const calls = { format: tools.name, syntax: tools.syntax, tools: [tool], most: 2 };
  const forms: readonly [string, Omit<AnswerForm, "reasoning">, RegExp | undefined][] = [
    ["a required call", { calls: { ...calls, required: true } }, /"unit"\s*:\s*"[ab]"/],
    ["an answer under a schema", { constraint: { type: "json-schema", field: "f", schema: unit } }, /\{\s*"unit"\s*:\s*"[ab]"\s*\}$/],
    ["strict tools among free text", { calls: { ...calls, required: false } }, undefined],
  ];

  test.each(forms)("%s comes behind thinking that was ended", async (_, form, written) => {
    const thinking = findThinkingIds(known, format)!;
    const compiler = new GrammarCompiler(known.addedId);
    const grammars = [true, false].map((isOpen): Grammar =>
      compiler.compile({ ...form, reasoning: { open, close, isOpen, allowed: true, headers: format.headers } }, markers),
    );
    const all = Array.from({ length: 24 }, (_, i) => {
      const startsOpen = i % 2 === 0;
      const budget = thinkingBudgetOf({ thinking, thinkingBudget: i % 5 }, {}, { startsOpen, held: written !== undefined });
      const logitBias = startsOpen ? [] : [[known.encode(open)[0]!, 50] as const]; // so that it thinks
      const sampling = { ...greedy, temperature: 1, seed: i, logitBias };
      return submission(i + 1, { grammar: grammars[i % 2]!, thinking: budget!, stopIds: [STOP], maxTokens: 150, sampling });
    });
    const engine = await run(known.vocabulary, all);
    expect(engine.sent.filter(message => message.type === "failed")).toEqual([]);
    const answers = all.map(({ id }) => engine.answer(id));
    expect(answers.some(({ ids }) => ids.includes(thinking.closeId))).toBe(true);
    if (written === undefined) return; // text that is free may have any length
    const whole = answers.filter(({ finish }) => finish === "stop");
    expect(whole.length).toBeGreaterThan(0);
    for (const { ids } of whole) expect(known.textOf(ids)).toMatch(written);
  });
});
