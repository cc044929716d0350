// Strings: lengths are counted, patterns and formats become automata over the characters as JSON writes them.
import { determinize, intersect, minimize } from "../dfa.ts";
import type { Budget } from "../error.ts";
import { inJsonString, jsonChar } from "../json-string.ts";
import { stringRule } from "../json.ts";
import { Nfa } from "../nfa.ts";
import { anyChar, call, repeat, rule, sequence, text, type Dfa, type Node } from "../node.ts";
import { fullMatch, search } from "../regex.ts";
import { formats } from "./formats.ts";
import { countAt, fail, textAt, type Path, type Schema } from "./read.ts";
import { BudgetSpent, GrammarError } from "../error.ts";

const char = rule("character", jsonChar);
const LONGEST_COUNTED_PATTERN = 2000;

export function stringNode(schema: Schema, path: Path, budget: Budget): Node {
  const min = countAt(schema, "minLength", path) ?? 0;
  const max = countAt(schema, "maxLength", path) ?? Infinity;
  const parts = languages(schema, path, budget);
  if (parts.length === 0) {
    if (min === 0 && max === Infinity) return call(stringRule);
    return quoted(max < min ? { type: "choice", items: [] } : max === 0 ? sequence() : call(char, min, max));
  }
  if (min > 0 || max < Infinity) parts.push(lengths(min, max, path, budget));
  const dfa = parts.reduce((a, b) => intersect(a, b, budget));
  return quoted({ type: "automaton", dfa: minimize(dfa, budget) });
}

/** A string's characters as `pattern` and `format` allow them. */
function languages(schema: Schema, path: Path, budget: Budget): Dfa[] {
  const made: Dfa[] = [];
  const pattern = textAt(schema, "pattern", path);
  if (pattern !== undefined) made.push(placed([...path, "pattern"], () => toDfa(search(pattern, budget, inJsonString), budget)));
  const format = textAt(schema, "format", path);
  if (format === undefined || format === "password" || format === "binary") return made;
  const known = Object.hasOwn(formats, format) ? formats[format]! : fail([...path, "format"], `${JSON.stringify(format)} cannot be enforced`);
  return [...made, toDfa(fullMatch(known, budget, inJsonString), budget)];
}

export function toDfa(node: Node, budget: Budget): Dfa {
  return determinize(new Nfa(node, [], budget), budget);
}

function lengths(min: number, max: number, path: Path, budget: Budget): Dfa {
  const largest = Math.max(min, max === Infinity ? 0 : max);
  if (largest > LONGEST_COUNTED_PATTERN) fail(path, `cannot be enforced: beside a pattern or format lengths go up to ${LONGEST_COUNTED_PATTERN}`);
  return toDfa(repeat(inJsonString(anyChar), min, max), budget);
}

function quoted(characters: Node): Node {
  return sequence(text('"'), characters, text('"'));
}

/** Errors of the inside get the place where it stands. */
export function placed<T>(path: Path, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof GrammarError && !(error instanceof BudgetSpent) && error.path.length === 0) throw new GrammarError(error.message, path);
    throw error;
  }
}
