// A model with random weights: at each step any allowed token may come. Runs a grammar over the built-in model's vocabulary.
import { join } from "node:path";
import { GrammarCompiler } from "../../src/grammar/compile.ts";
import type { AnswerForm } from "../../src/grammar/answer.ts";
import { Configurations, type Configuration } from "../../src/grammar/configuration.ts";
import { Masks, Matcher } from "../../src/grammar/masks.ts";
import { readVocabulary } from "../../src/grammar/trie.ts";
import type { Constraint } from "../../src/chat/types.ts";
import { openTokenizer } from "../../src/tokenizer/load.ts";
import { dice } from "../helpers/sequences.ts";
import { root } from "../helpers/imports.ts";

export const tokenizer = openTokenizer(join(root, "mini/checkpoint"));
export const vocabulary = readVocabulary(tokenizer);
export const stopId = tokenizer.addedId("<|im_end|>")!;
const markers = ["<tool_call>", "</tool_call>", "<think>", "</think>"];

export function masksOf(form: AnswerForm): Masks {
  const compiler = new GrammarCompiler(content => tokenizer.addedId(content));
  return new Masks(compiler.compile(form, markers).automaton, vocabulary, tokenizer.vocabSize);
}

export function constrained(constraint: Constraint): Masks {
  return masksOf({ constraint });
}

export const schemaForm = (schema: unknown): Constraint => ({ type: "json-schema", field: "schema", schema });

export interface Walk {
  readonly text: string;
  readonly ids: readonly number[];
  readonly ended: boolean; // by a stop id
}

export const closers = new Set(
  Array.from({ length: tokenizer.vocabSize }, (_, id) => id).filter(id => id === stopId || /^["}\]]/.test(tokenizer.visible(id))),
);

/**
 * Draws among the allowed tokens. `haste` is the chance to take one that is likely to end soon: a model with random weights writes
 * long texts, and a test wants to see them end.
 */
export function walk(masks: Masks, seed: number, most = 400, haste = 0.3): Walk {
  const { pick, next } = dice(seed);
  const matcher = new Matcher(masks, [stopId]);
  const ids: number[] = [];
  for (let step = 0; step < most; step++) {
    const mask = matcher.allowed(false)!;
    const allowed: number[] = [];
    for (let at = mask.indexOf(1); at >= 0; at = mask.indexOf(1, at + 1)) allowed.push(at);
    if (allowed.length === 0) throw new Error(`no way on behind ${JSON.stringify(textOf(ids))}`);
    const closing = next() < haste ? allowed.filter(id => closers.has(id)) : [];
    const id = pick(closing.length > 0 ? closing : allowed);
    if (id === stopId) return { text: textOf(ids), ids, ended: true };
    ids.push(id);
    matcher.accept(id);
  }
  return { text: textOf(ids), ids, ended: false };
}

function textOf(ids: readonly number[]): string {
  return tokenizer.decode(ids, { skipSpecial: false });
}

/** Whether the grammar allows exactly this text, byte by byte. */
export function allows(masks: Masks, text: string): boolean {
  const matcher = new Matcher(masks, [stopId]);
  for (const id of tokenizer.encode(text, { specialTokens: false })) {
    if (matcher.allowed(false)?.[id] !== 1) return false;
    matcher.accept(id);
  }
  return matcher.allowed(false)?.[stopId] === 1;
}

/** Tells byte by byte, without a vocabulary, whether a constraint allows a text. */
export function recognizer(constraint: Constraint): (text: string) => boolean {
  const configurations = new Configurations(new GrammarCompiler(() => undefined).compile({ constraint }, []).automaton);
  return text => {
    let at: Configuration | null = configurations.start;
    for (const byte of new TextEncoder().encode(text)) at = at && configurations.step(at, byte);
    return at?.accepts === true;
  };
}
