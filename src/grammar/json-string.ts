// Text inside a JSON string: how each character is written there.
import { determinize, minimize } from "./dfa.ts";
import { Budget } from "./error.ts";
import { Nfa } from "./nfa.ts";
import { chars, choice, rule, sequence, surrogates, text, type Node, type Rule } from "./node.ts";
import { complement, intersection, MAX_CODE_POINT, type Ranges } from "./ranges.ts";

const shortEscapes = new Map([
  [0x22, '\\"'],
  [0x5c, "\\\\"],
  [0x08, "\\b"],
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
]);

const plain: Ranges = complement([[0, 0x1f], [0x22, 0x22], [0x5c, 0x5c], ...surrogates], MAX_CODE_POINT);

/** The same language with each character written as JSON.stringify writes it inside a string. */
export function inJsonString(node: Node, rules = new Map<Rule, Rule>()): Node {
  switch (node.type) {
    case "chars":
      return writtenSet(node.ranges);
    case "sequence":
    case "choice":
      return { type: node.type, items: node.items.map(item => inJsonString(item, rules)) };
    case "repeat":
      return { ...node, item: inJsonString(node.item, rules) };
    case "rule": {
      const known = rules.get(node.rule);
      if (known) return { ...node, rule: known };
      const inside = rule(node.rule.name);
      rules.set(node.rule, inside);
      inside.body = inJsonString(node.rule.body, rules);
      return { ...node, rule: inside };
    }
    case "symbols":
    case "token":
    case "automaton":
      return node;
  }
}

const known = new Map<string, Node>();
const MAX_KNOWN = 1000;

/** Sets of characters become small automata once: there are few of them, and each occurs often. */
function writtenSet(ranges: Ranges): Node {
  if (ranges.length === 1 && ranges[0]![0] === ranges[0]![1]) return choice(written(ranges[0]!));
  const key = ranges.join(";");
  const found = known.get(key);
  if (found) return found;
  const budget = new Budget(1_000_000);
  const dfa = minimize(determinize(new Nfa(choice(ranges.flatMap(written)), [], budget), budget), budget);
  const made: Node = { type: "automaton", dfa };
  if (known.size < MAX_KNOWN) known.set(key, made);
  return made;
}

function written(range: readonly [number, number]): Node[] {
  const [from, to] = range;
  const nodes: Node[] = [];
  for (let code = from; code <= Math.min(to, 0x5c); code++) {
    const short = shortEscapes.get(code);
    if (short !== undefined) nodes.push(text(short));
    else if (code < 0x20) nodes.push(text(`\\u${code.toString(16).padStart(4, "0")}`));
  }
  const raw = intersection(plain, [range], MAX_CODE_POINT);
  return raw.length === 0 ? nodes : [...nodes, chars(raw)];
}

const set = (pattern: string): Node =>
  chars(Array.from(pattern.matchAll(/(.)-(.)|(.)/g), ([, from, to, one]) => [(from ?? one)!.charCodeAt(0), (to ?? one)!.charCodeAt(0)] as const));
const hex = set("0-9A-Fa-f");
const escaped = (first: string, second: string): Node => sequence(text("\\u"), set(first), set(second), hex, hex);

/** One character of a JSON string in any of its spellings; a surrogate only with its other half. */
export const jsonChar: Node = choice([
  chars(plain),
  sequence(text("\\"), set('"\\/bfnrt')),
  escaped("0-9A-CEFa-cef", "0-9A-Fa-f"),
  escaped("Dd", "0-7"),
  sequence(escaped("Dd", "89ABab"), escaped("Dd", "C-Fc-f")),
]);
