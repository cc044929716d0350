// The words that EBNF and Lark are written with.
import { GrammarError } from "./error.ts";

export interface Token {
  readonly type:
    | "name"
    | "string"
    | "regex"
    | "set"
    | "quantifier"
    | "directive"
    | "modifier"
    | "priority"
    | "any"
    | "newline"
    | "::="
    | ":"
    | "|"
    | "("
    | ")"
    | "["
    | "]"
    | "->"
    | "..";
  readonly text: string; // of a string: what it says
  readonly line: number;
  readonly ignoresCase?: boolean;
}

const skipped = /(?:[ \t\r]+|\/\/[^\n]*|#[^\n]*)+/y;
const shared: readonly (readonly [Token["type"], RegExp])[] = [
  ["newline", /\n/y],
  ["directive", /%[^\n]*/y],
  ["::=", /::=/y],
  ["->", /->/y],
  ["..", /\.\./y],
  ["string", /"(?:[^"\\\n]|\\.)*"i?/y],
  ["quantifier", /\*|\+|\?(?![A-Za-z_])|\{\d*,?\d*\}|~ *\d+(?:\.\.\d+)?/y],
  [":", /:/y],
  ["|", /\|/y],
  ["(", /\(/y],
  [")", /\)/y],
  ["]", /\]/y],
];

/** Throws GrammarError with the line of what cannot be read. */
export function tokenize(source: string): Token[] {
  const patterns = [...shared, ...(source.includes("::=") ? ebnfOnly : larkOnly)];
  const tokens: Token[] = [];
  let line = 1;
  for (let at = 0; at < source.length;) {
    skipped.lastIndex = at;
    const blank = skipped.exec(source);
    if (blank) {
      at = skipped.lastIndex;
      continue;
    }
    const [type, found] = readToken(source, at, patterns) ?? fail(line, source.slice(at, at + 20));
    tokens.push(toToken(type, found, line));
    at += found.length;
    if (type === "newline") line++;
  }
  return tokens;
}

/** Where the two forms differ: names, sets of characters, and what only one of them has. */
const ebnfOnly: readonly (readonly [Token["type"], RegExp])[] = [
  ["name", /[A-Za-z_][A-Za-z0-9_-]*/y],
  ["set", /\[(?:[^\]\\\n]|\\.)+\]/y],
  ["any", /\./y],
];
const larkOnly: readonly (readonly [Token["type"], RegExp])[] = [
  ["name", /[A-Za-z_][A-Za-z0-9_]*/y],
  ["regex", /\/(?:[^/\\\n]|\\.)+\/[imslux]*/y],
  ["[", /\[/y],
  ["modifier", /[?!]/y],
  ["priority", /\.-?\d+/y],
];

function readToken(
  source: string,
  at: number,
  patterns: readonly (readonly [Token["type"], RegExp])[],
): readonly [Token["type"], string] | undefined {
  for (const [type, pattern] of patterns) {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found) return [type, found[0]];
  }
  return undefined;
}

function toToken(type: Token["type"], found: string, line: number): Token {
  if (type === "string") {
    const ignoresCase = found.endsWith("i");
    return { type, text: unescape(found.slice(1, ignoresCase ? -2 : -1), line), line, ignoresCase };
  }
  if (type === "regex") {
    const end = found.lastIndexOf("/");
    if (found.length > end + 1) throw new GrammarError(`cannot be read at line ${line}: flags of a regular expression are not supported`);
    return { type, text: found.slice(1, end).replaceAll("\\/", "/"), line };
  }
  return { type, text: type === "quantifier" ? found.replaceAll(" ", "") : found, line };
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", b: "\b", v: "\v", "0": "\0" };

function unescape(text: string, line: number): string {
  return text.replace(
    /\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/gu,
    (_, x?: string, u?: string, U?: string, other?: string) => {
      if (other !== undefined) return escapes[other] ?? other;
      const code = parseInt((x ?? u ?? U)!, 16);
      if (code > 0x10ffff) throw new GrammarError(`cannot be read at line ${line}: there is no such code point`);
      return String.fromCodePoint(code);
    },
  );
}

function fail(line: number, text: string): never {
  throw new GrammarError(`cannot be read at line ${line}: ${JSON.stringify(text)} means nothing`);
}
