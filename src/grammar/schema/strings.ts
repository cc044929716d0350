// Strings: lengths are counted, patterns and formats become automata over the characters as JSON writes them.
import { determinize, intersect, minimize } from "../dfa.ts";
import { Budget, BudgetSpent, GrammarError } from "../error.ts";
import { inJsonString, jsonChar } from "../json-string.ts";
import { stringRule } from "../json.ts";
import { Nfa } from "../nfa.ts";
import { anyChar, call, choice, empty, nothing, repeat, rule, sequence, star, text, type Dfa, type Node } from "../node.ts";
import { fullMatch, search } from "../regex.ts";
import type { Context } from "./context.ts";
import { formats } from "./formats.ts";
import { splitLookaheads } from "./lookahead.ts";
import { countAt, excludedBy, fail, textsAt, typesOf, valuesAt, type Path, type Placed, type Schema } from "./read.ts";

const char = rule("character", jsonChar);
const LONGEST_COUNTED = 2000; // characters, beside a pattern or format
const COUNTING = 150_000; // units of the budget for one length that is tried

export function stringNode(schema: Schema, path: Path, budget: Budget): Node {
  const min = countAt(schema, "minLength", path) ?? 0;
  const max = countAt(schema, "maxLength", path) ?? Infinity;
  if (max < min) return nothing;
  const dfa = characters(schema, path, budget);
  if (dfa) return quoted({ type: "automaton", dfa: minimize(counted(dfa, min, max, path, budget), budget) });
  if (min === 0 && max === Infinity) return call(stringRule);
  return quoted(max === 0 ? empty : call(char, min, max));
}

/** The texts of a schema, as JSON writes them between quotes. */
export interface Texts {
  readonly dfa: Dfa;
  readonly values: readonly string[] | undefined; // all of them, where they are listed
}

export function textsOf(placed: Placed, { budget, flattener }: Context): Texts {
  const branches = flattener.branches(placed).map(({ schema: given, path }) => {
    const schema = given as Schema;
    const { enum: listed, ...beside } = schema as { readonly enum?: readonly unknown[] };
    const values = listed?.filter((value): value is string => typeof value === "string" && flattener.holds(value, beside) === true);
    if (values) return { values, dfa: toDfa(choice(values.map(value => inJsonString(text(value)))), budget) };
    if (!typesOf({ type: "string", ...schema }, path).includes("string")) return { values: [], dfa: toDfa(nothing, budget) };
    const min = countAt(schema, "minLength", path) ?? 0;
    const max = countAt(schema, "maxLength", path) ?? Infinity;
    return { values: undefined, dfa: counted(characters(schema, path, budget) ?? anyText(budget), min, max, path, budget) };
  });
  const dfa = toDfa(choice(branches.map((branch): Node => ({ type: "automaton", dfa: branch.dfa }))), budget);
  const listed = branches.every(({ values }) => values) ? branches.flatMap(({ values }) => values!) : undefined;
  return { dfa, values: listed };
}

/** A string's characters as patterns and formats allow them; undefined where nothing is said about them. */
function characters(schema: Schema, path: Path, budget: Budget): Dfa | undefined {
  const allowed = textsAt(schema, "pattern", path).map(pattern => languageOf(pattern, [...path, "pattern"], budget));
  for (const format of textsAt(schema, "format", path))
    if (Object.hasOwn(formats, format)) allowed.push(toDfa(fullMatch(formats[format]!, budget, inJsonString), budget));
  const excluded = valuesAt(schema, "not").flatMap(not => {
    const { pattern } = not as { readonly pattern?: string };
    return pattern === undefined ? [] : [languageOf(pattern, [...path, "not", "pattern"], budget)];
  });
  const values = excludedBy(schema).filter(value => typeof value === "string");
  if (values.length > 0) excluded.push(toDfa(choice(values.map(value => inJsonString(text(value)))), budget));
  if (allowed.length + excluded.length === 0) return undefined;
  const all = allowed.length === 0 ? anyText(budget) : allowed.reduce((a, b) => intersect(a, b, budget));
  return excluded.reduce((a, b) => intersect(a, b, budget, false), all);
}

const anyText = (budget: Budget): Dfa => toDfa(star(inJsonString(anyChar)), budget);

/** The texts that a pattern matches somewhere. */
export function languageOf(pattern: string, path: Path, budget: Budget): Dfa {
  return placed(path, () => {
    const { main, lookaheads } = splitLookaheads(pattern);
    const dfa = toDfa(search(main, budget, inJsonString), budget);
    return lookaheads.reduce((made, { ahead, wanted }) => intersect(made, toDfa(search(ahead, budget, inJsonString), budget), budget, wanted), dfa);
  });
}

export function toDfa(node: Node, budget: Budget): Dfa {
  return determinize(new Nfa(node, [], budget), budget);
}

/** Texts of these lengths. Where the longest ones are too many to be counted, they are not written. */
function counted(dfa: Dfa, min: number, max: number, path: Path, budget: Budget): Dfa {
  if (min === 0 && max === Infinity) return dfa;
  const small = minimize(dfa, budget);
  for (let longest = Math.max(min, Math.min(max, LONGEST_COUNTED)); longest >= min && longest <= LONGEST_COUNTED; longest >>= 1) {
    budget.spend(COUNTING);
    try {
      const lengths = repeat(inJsonString(anyChar), min, max === Infinity ? Infinity : longest);
      return intersect(small, toDfa(lengths, new Budget(10 * COUNTING)), new Budget(COUNTING));
    } catch (error) {
      if (!(error instanceof BudgetSpent)) throw error;
    }
  }
  return fail([...path, "minLength"], "cannot be enforced beside this pattern or format: it is too large to be counted");
}

function quoted(inner: Node): Node {
  return sequence(text('"'), inner, text('"'));
}

/** Errors of the inside get the place where it stands. */
function placed<T>(path: Path, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof GrammarError && !(error instanceof BudgetSpent) && error.path.length === 0) throw new GrammarError(error.message, path);
    throw error;
  }
}
