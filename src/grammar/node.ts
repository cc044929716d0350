// What a text may be, as a tree: the common language of everything that describes answers (schemas, regexes, grammars, tool calls).
// Sharing is welcome, recursion goes through rules.
import { complement, MAX_CODE_POINT, type Ranges } from "./ranges.ts";

export type Node =
  | { readonly type: "chars"; readonly ranges: Ranges } // one code point of these
  | { readonly type: "symbols"; readonly ranges: Ranges } // one symbol of these: a byte, or one of the symbols below
  | { readonly type: "token"; readonly text: string } // an added token, written as the token it is
  | { readonly type: "sequence" | "choice"; readonly items: readonly Node[] }
  | { readonly type: "repeat"; readonly item: Node; readonly min: number; readonly max: number } // by copies: for small counts
  | { readonly type: "rule"; readonly rule: Rule; readonly min: number; readonly max: number } // by counting; the rule is never empty if it repeats
  | { readonly type: "automaton"; readonly dfa: Dfa }; // without calls

/** A deterministic automaton; the first state is the start. Calls make it a grammar. */
export interface Dfa {
  readonly states: readonly State[];
}

export interface State {
  readonly accepts: boolean;
  readonly edges: readonly Edge[]; // sorted, disjoint
  readonly calls: readonly Call[];
}

/** One of the symbols from … to leads on. */
export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly target: number;
}

/** A text of the rule, min to max times, leads on. */
export interface Call {
  readonly rule: Rule;
  readonly min: number;
  readonly max: number;
  readonly target: number;
}

/** A part with an identity, which its own body may contain. */
export interface Rule {
  readonly name: string; // for errors
  body: Node;
  readonly tool?: string; // whose arguments these are
}

/** Beyond the bytes: any added token that the automaton does not name, then those it names. */
export const OTHER_TOKEN = 256;
export const FIRST_TOKEN = 257;
/** Where a text begins and ends: only while anchors are resolved. */
export const BEGIN = 1 << 24;
export const END = BEGIN + 1;

export const sequence = (...items: Node[]): Node => (items.length === 1 ? items[0]! : { type: "sequence", items });
export const choice = (items: readonly Node[]): Node => (items.length === 1 ? items[0]! : { type: "choice", items });
export const repeat = (item: Node, min: number, max: number): Node => ({ type: "repeat", item, min, max });
export const optional = (item: Node): Node => repeat(item, 0, 1);
export const star = (item: Node): Node => repeat(item, 0, Infinity);
export const chars = (ranges: Ranges): Node => ({ type: "chars", ranges });
export const token = (text: string): Node => ({ type: "token", text });
export const call = (rule: Rule, min = 1, max = 1): Node => ({ type: "rule", rule, min, max });
export const empty: Node = { type: "sequence", items: [] };
export const nothing: Node = { type: "choice", items: [] };

export function rule(name: string, body: Node = nothing): Rule {
  return { name, body };
}

/** What a tool is called with: errors of linking name the tool. */
export function argumentsOf(tool: string, body: Node): Node {
  return call({ name: "arguments", body, tool });
}

/** Text as it stands. */
export function text(value: string): Node {
  return sequence(...Array.from(value, character => chars([[character.codePointAt(0)!, character.codePointAt(0)!]])));
}

/** One of the characters of a string. */
export function oneOf(characters: string): Node {
  return chars(Array.from(characters, character => [character.codePointAt(0)!, character.codePointAt(0)!] as const));
}

export const surrogates: Ranges = [[0xd800, 0xdfff]];
/** Every code point that UTF-8 can say. */
export const scalarValues: Ranges = complement(surrogates, MAX_CODE_POINT);
export const anyChar: Node = chars(scalarValues);
