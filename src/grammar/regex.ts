// Regular expressions as trees: the common part of ECMAScript's and Python's syntax, by code points. What is not regular is refused by name.
import { determinize, resolveAnchors } from "./dfa.ts";
import { GrammarError, type Budget } from "./error.ts";
import { Nfa } from "./nfa.ts";
import { anyChar, BEGIN, chars, choice, END, optional, repeat, scalarValues, sequence, star, text, type Node } from "./node.ts";
import { complement, intersection, MAX_CODE_POINT, normalize, type Ranges } from "./ranges.ts";

const begin: Node = { type: "symbols", ranges: [[BEGIN, BEGIN]] };
const end: Node = { type: "symbols", ranges: [[END, END]] };

type Write = (node: Node) => Node;
const plainly: Write = node => node;

/** Texts that the pattern matches as a whole. `write` says how characters are written. */
export function fullMatch(pattern: string, budget: Budget, write = plainly): Node {
  const { node, anchored } = readRegex(pattern);
  const matched = write(node);
  return anchored ? resolved(sequence(optional(begin), matched, optional(end)), budget) : matched;
}

/** Texts in which the pattern matches somewhere, as JSON Schema means it. */
export function search(pattern: string, budget: Budget, write = plainly): Node {
  const any = write(anyChar);
  const { node, anchored } = readRegex(pattern);
  const before = star(anchored ? choice([begin, any, end]) : any);
  const found: Node = { type: "automaton", dfa: determinize(new Nfa(sequence(before, write(node)), [], budget), budget, true) };
  return anchored ? resolved(sequence(found, before), budget) : sequence(found, before);
}

function resolved(node: Node, budget: Budget): Node {
  return { type: "automaton", dfa: resolveAnchors(determinize(new Nfa(node, [], budget), budget)) };
}

const digit: Ranges = [[0x30, 0x39]];
const word: Ranges = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const space: Ranges = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: Ranges = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const classes: Readonly<Record<string, Ranges>> = { d: digit, w: word, s: space };
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, "0": 0, a: 7, e: 27 };
const MAX_DEPTH = 200;

const negated = (ranges: Ranges) => intersection(complement(ranges, MAX_CODE_POINT), scalarValues, MAX_CODE_POINT);

function readRegex(pattern: string): { readonly node: Node; readonly anchored: boolean } {
  const reader = new Reader(Array.from(pattern));
  const node = reader.alternatives(0);
  if (!reader.atEnd) reader.fail('there is a ")" too many');
  return { node, anchored: reader.anchored };
}

class Reader {
  anchored = false;
  private at = 0;

  constructor(private readonly source: readonly string[]) {}

  get atEnd(): boolean {
    return this.at >= this.source.length;
  }

  alternatives(depth: number): Node {
    if (depth > MAX_DEPTH) throw new GrammarError("is nested too deeply");
    const items = [this.branch(depth)];
    while (this.take("|")) items.push(this.branch(depth));
    return choice(items);
  }

  private branch(depth: number): Node {
    const items: Node[] = [];
    while (!this.atEnd && this.peek() !== "|" && this.peek() !== ")") items.push(this.quantified(this.atom(depth)));
    return sequence(...items);
  }

  private quantified(item: Node): Node {
    const bounds = this.quantifier();
    if (!bounds) return item;
    if (item === begin || item === end) this.fail("an anchor cannot be repeated");
    if (this.peek() === "+") this.fail("possessive quantifiers are not supported");
    this.take("?"); // lazy: the same texts match
    return repeat(item, ...bounds);
  }

  private quantifier(): [number, number] | undefined {
    if (this.take("*")) return [0, Infinity];
    if (this.take("+")) return [1, Infinity];
    if (this.take("?")) return [0, 1];
    const found = /^\{(\d+)(,(\d*))?\}/.exec(this.source.slice(this.at, this.at + 24).join(""));
    if (!found) return undefined;
    this.at += found[0].length;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] ? Number(found[3]) : Infinity;
    if (max < min) this.fail(`{${min},${max}} is out of order`);
    return [min, max];
  }

  private atom(depth: number): Node {
    const character = this.next();
    switch (character) {
      case ".":
        return chars(negated(lineEnds));
      case "^":
        return this.anchor(begin);
      case "$":
        return this.anchor(end);
      case "[":
        return chars(this.set());
      case "(":
        return this.group(depth);
      case "\\":
        return this.escape();
      case "*":
      case "+":
      case "?":
        return this.fail(`there is nothing to repeat before "${character}"`);
      default:
        return text(character);
    }
  }

  private anchor(node: Node): Node {
    this.anchored = true;
    return node;
  }

  private group(depth: number): Node {
    if (this.take("?")) {
      const kind = this.next();
      if (kind === "P" && this.peek() !== "<") this.fail("references to groups are not supported");
      if (kind === "P" || (kind === "<" && this.peek() !== "=" && this.peek() !== "!")) while (this.next() !== ">");
      else if (kind !== ":")
        this.fail(kind === "=" || kind === "!" || kind === "<" ? "lookaround is not supported" : `the group (?${kind} is not supported`);
    }
    const node = this.alternatives(depth + 1);
    if (!this.take(")")) this.fail('a ")" is missing');
    return node;
  }

  private escape(): Node {
    const next = this.peek();
    if (next === "A" || next === "z" || next === "Z") return this.anchor(this.next() === "A" ? begin : end);
    if (next === "b" || next === "B") this.fail(`\\${next} is not supported`);
    if (/[1-9]/.test(next)) this.fail("references to groups are not supported");
    return chars(this.escapedSet());
  }

  /** What stands behind a backslash, as a set. */
  private escapedSet(): Ranges {
    const character = this.next();
    const lower = character.toLowerCase();
    if (lower in classes) return character === lower ? classes[lower]! : negated(classes[lower]!);
    if (lower === "p") return this.property(character === "P");
    if (character in controls) return single(controls[character]!);
    if (character === "c") return single(this.next().charCodeAt(0) & 31);
    if (character === "x") return single(this.hex(2));
    if (character === "u") return single(this.unicode());
    if (/[A-Za-z]/.test(character)) this.fail(`\\${character} is not supported`);
    return single(character.codePointAt(0)!);
  }

  private unicode(): number {
    if (this.take("{")) {
      let digits = "";
      for (let c = this.next(); c !== "}"; c = this.next()) digits += c;
      return this.code(digits);
    }
    const high = this.hex(4);
    if (high < 0xd800 || high > 0xdbff || this.source[this.at] !== "\\" || this.source[this.at + 1] !== "u") return high;
    this.at += 2;
    return 0x10000 + ((high & 0x3ff) << 10) + (this.hex(4) & 0x3ff);
  }

  private hex(count: number): number {
    return this.code(Array.from({ length: count }, () => this.next()).join(""));
  }

  private code(digits: string): number {
    const code = /^[0-9a-fA-F]{1,6}$/.test(digits) ? parseInt(digits, 16) : Infinity;
    return code <= MAX_CODE_POINT ? code : this.fail(`"${digits}" is no code point`);
  }

  private property(negate: boolean): Ranges {
    let name = this.next();
    if (name === "{") {
      name = "";
      for (let c = this.next(); c !== "}"; c = this.next()) name += c;
    }
    const ranges = /^[A-Za-z_=]+$/.test(name) ? propertyRanges(name) : undefined;
    if (!ranges) this.fail(`\\p{${name}} is not known`);
    return negate ? negated(ranges) : ranges;
  }

  private set(): Ranges {
    const negate = this.take("^");
    const ranges: (readonly [number, number])[] = [];
    while (this.peek() !== "]") {
      const low = this.member();
      if (this.peek() === "-" && this.source[this.at + 1] !== "]" && isSingle(low)) {
        this.next();
        const high = this.member();
        if (!isSingle(high) || high[0][0] < low[0][0]) this.fail("a range in [] is out of order");
        ranges.push([low[0][0], high[0][0]]);
      } else ranges.push(...low);
    }
    this.next();
    const all = normalize(ranges);
    return negate ? negated(all) : intersection(all, scalarValues, MAX_CODE_POINT);
  }

  private member(): Ranges {
    const character = this.next();
    if (character !== "\\") return single(character.codePointAt(0)!);
    if (this.peek() !== "b") return this.escapedSet();
    this.next();
    return single(8);
  }

  private peek(): string {
    return this.source[this.at] ?? "";
  }

  private next(): string {
    return this.source[this.at++] ?? this.fail("it ends too early");
  }

  private take(character: string): boolean {
    if (this.source[this.at] !== character) return false;
    this.at++;
    return true;
  }

  fail(reason: string): never {
    throw new GrammarError(`has a regular expression that cannot be enforced: ${reason}`);
  }
}

const single = (code: number): Ranges => [[code, code]];
const isSingle = (ranges: Ranges): ranges is readonly [readonly [number, number]] => ranges.length === 1 && ranges[0]![0] === ranges[0]![1];

const properties = new Map<string, Ranges | undefined>();

/** Asks the JavaScript engine about every code point, once per property. */
function propertyRanges(name: string): Ranges | undefined {
  if (properties.has(name)) return properties.get(name);
  const made: [number, number][] = [];
  let ranges: Ranges | undefined;
  try {
    const pattern = new RegExp(`^\\p{${name}}$`, "u");
    for (const [from, to] of scalarValues)
      for (let code = from; code <= to; code++) {
        if (!pattern.test(String.fromCodePoint(code))) continue;
        const last = made.at(-1);
        if (last && last[1] === code - 1) last[1] = code;
        else made.push([code, code]);
      }
    ranges = made;
  } catch {
    ranges = undefined; // the engine does not know the property
  }
  if (properties.size < 200) properties.set(name, ranges);
  return ranges;
}
