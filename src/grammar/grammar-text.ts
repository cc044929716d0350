// Context-free grammars as text: EBNF in the form of GBNF (`root ::= …`), and Lark (`start: …`). Which of them it is shows in its first rule.
import { GrammarError, type Budget } from "./error.ts";
import { breakLeftRecursion, type Named } from "./left-recursion.ts";
import { anyChar, call, choice, empty, repeat, rule, sequence, star, text, type Node } from "./node.ts";
import { fullMatch } from "./regex.ts";
import { tokenize, type Token } from "./grammar-tokens.ts";

const MAX_DEPTH = 100;

/** The texts of the rule `root` (EBNF) or `start` (Lark). */
export function readGrammar(source: string, budget: Budget): Node {
  budget.spend(source.length);
  const tokens = tokenize(source);
  const lark = !tokens.some(token => token.type === "::=");
  const reader = new Reader(tokens, lark, budget);
  const rules = reader.rules();
  const first = lark ? "start" : "root";
  const start = rules.get(first);
  if (!start) throw new GrammarError(`has no rule ${JSON.stringify(first)}`);
  breakLeftRecursion(rules);
  const missing = [...reader.used].find(name => !rules.has(name));
  if (missing !== undefined) throw new GrammarError(`uses ${JSON.stringify(missing)}, which it does not define`);
  return call(start.rule);
}

class Reader {
  readonly used = new Set<string>();
  private readonly named = new Map<string, Named>();
  private readonly known = new Map<string, Named>(); // used or defined
  private at = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly lark: boolean,
    private readonly budget: Budget,
  ) {}

  rules(): Map<string, Named> {
    for (;;) {
      while (this.take("newline"));
      const token = this.tokens[this.at];
      if (!token) return this.named;
      this.budget.spend(20);
      if (token.type === "directive") this.directive();
      else this.definition();
    }
  }

  /** `%import common.A`, `%import common.A -> B`, `%import common (A, B)`. */
  private directive(): void {
    const { text: line } = this.next();
    if (line.startsWith("%ignore")) this.fail("%ignore cannot be enforced: write the blank space where it may stand");
    const [, one, alias, list] = /^%import\s+common(?:\.(\w+)(?:\s*->\s*(\w+))?|\s*\(([\w\s,]*)\))\s*$/.exec(line) ?? [];
    const names = list?.split(",").map(name => name.trim()) ?? (one === undefined ? [] : [one]);
    const unknown = names.find(name => commonTerminals[name] === undefined);
    if (names.length === 0 || unknown !== undefined) this.fail(`${line.slice(0, 100)} is not known`);
    for (const name of names) this.define(alias ?? name, [fullMatch(commonTerminals[name]!, this.budget)]);
  }

  private definition(): void {
    this.take("modifier"); // ? and ! shape Lark's trees, not its texts
    const name = this.expect("name").text;
    if (this.take("priority") && !this.lark) this.fail("a number cannot stand here");
    this.expect(this.lark ? ":" : "::=");
    this.define(name, this.alternatives(0));
    if (this.at < this.tokens.length) this.expect("newline");
  }

  private define(name: string, alternatives: readonly Node[]): void {
    const own = this.ruleOf(name);
    if (own.alternatives.length > 0) this.fail(`${JSON.stringify(name)} is defined twice`);
    own.alternatives = alternatives;
    own.rule.body = choice(alternatives);
    this.named.set(name, own);
  }

  private ruleOf(name: string): Named {
    let own = this.known.get(name);
    if (!own) this.known.set(name, (own = { rule: rule(name), alternatives: [] }));
    return own;
  }

  private alternatives(depth: number): Node[] {
    if (depth > MAX_DEPTH) this.fail("it is nested too deeply");
    const nodes = [this.items(depth)];
    for (;;) {
      const here = this.at;
      while (this.take("newline"));
      if (!this.take("|")) {
        this.at = here;
        return nodes;
      }
      while (this.take("newline"));
      nodes.push(this.items(depth));
    }
  }

  private items(depth: number): Node {
    const nodes: Node[] = [];
    for (;;) {
      while (depth > 0 && this.take("newline"));
      const item = this.item(depth);
      if (!item) break;
      nodes.push(this.quantified(item));
    }
    if (this.take("->")) this.expect("name"); // an alias shapes Lark's tree
    return nodes.length === 0 ? empty : sequence(...nodes);
  }

  private item(depth: number): Node | undefined {
    const token = this.tokens[this.at];
    switch (token?.type) {
      case "string":
        this.at++;
        return this.range(token) ?? literal(token);
      case "regex":
      case "set":
        this.at++;
        return fullMatch(token.text, this.budget);
      case "any":
        this.at++;
        return anyChar;
      case "name":
        this.at++;
        this.used.add(token.text);
        return call(this.ruleOf(token.text).rule);
      case "(":
        return this.group(depth, ")");
      case "[":
        return repeat(this.group(depth, "]"), 0, 1);
      default:
        return undefined;
    }
  }

  /** Lark's "a".."z". */
  private range(from: Token): Node | undefined {
    if (!this.take("..")) return undefined;
    const to = this.expect("string");
    if (Array.from(from.text).length !== 1 || Array.from(to.text).length !== 1) this.fail("a range needs one character on each side");
    return { type: "chars", ranges: [[from.text.codePointAt(0)!, to.text.codePointAt(0)!]] };
  }

  private group(depth: number, close: ")" | "]"): Node {
    this.at++;
    while (this.take("newline"));
    const node = choice(this.alternatives(depth + 1));
    while (this.take("newline"));
    this.expect(close);
    return node;
  }

  private quantified(item: Node): Node {
    const token = this.tokens[this.at];
    if (token?.type !== "quantifier") return item;
    this.at++;
    const [, low = "", comma, high = ""] = /^[{~](\d*)(,|\.\.)?(\d*)\}?$/.exec(token.text) ?? [];
    const bounds = { "*": [0, Infinity], "+": [1, Infinity], "?": [0, 1] }[token.text] ?? [
      Number(low),
      comma ? (high ? Number(high) : Infinity) : Number(low),
    ];
    const [min, max] = bounds as [number, number];
    if (max < min) this.fail(`${token.text} is out of order`);
    const made = max === Infinity && min === 0 ? star(item) : repeat(item, min, max);
    return this.quantified(made);
  }

  private next(): Token {
    return this.tokens[this.at++] ?? this.fail("it ends too early");
  }

  private take(type: Token["type"]): boolean {
    if (this.tokens[this.at]?.type !== type) return false;
    this.at++;
    return true;
  }

  private expect(type: Token["type"]): Token {
    const token = this.tokens[this.at];
    if (token?.type === type) return this.next();
    return this.fail(`${JSON.stringify(type)} is expected${token ? `, not ${JSON.stringify(token.text)}` : ""}`);
  }

  private fail(reason: string): never {
    const line = this.tokens[Math.min(this.at, this.tokens.length - 1)]?.line ?? 1;
    throw new GrammarError(`cannot be read at line ${line}: ${reason}`);
  }
}

function literal({ text: value, ignoresCase }: Token): Node {
  if (!ignoresCase) return text(value);
  return sequence(...Array.from(value, character => choice([...new Set([character.toLowerCase(), character.toUpperCase()])].map(text))));
}

/** Lark's common terminals. */
const commonTerminals: Readonly<Record<string, string>> = {
  DIGIT: "[0-9]",
  HEXDIGIT: "[0-9A-Fa-f]",
  INT: "[0-9]+",
  SIGNED_INT: "[+-]?[0-9]+",
  DECIMAL: "[0-9]+\\.[0-9]*|\\.[0-9]+",
  FLOAT: "([0-9]+(\\.[0-9]*)?|\\.[0-9]+)[eE][+-]?[0-9]+|[0-9]+\\.[0-9]*|\\.[0-9]+",
  SIGNED_FLOAT: "[+-]?(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)[eE][+-]?[0-9]+|[0-9]+\\.[0-9]*|\\.[0-9]+)",
  NUMBER: "([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?",
  SIGNED_NUMBER: "[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?",
  ESCAPED_STRING: '"([^"\\\\\\n]|\\\\[^\\n])*"',
  LCASE_LETTER: "[a-z]",
  UCASE_LETTER: "[A-Z]",
  LETTER: "[A-Za-z]",
  WORD: "[A-Za-z]+",
  CNAME: "[A-Za-z_][A-Za-z_0-9]*",
  WS_INLINE: "[ \\t]+",
  WS: "[ \\t\\f\\r\\n]+",
  CR: "\\r",
  LF: "\\n",
  NEWLINE: "(\\r?\\n)+",
};
