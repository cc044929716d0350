// Numbers within bounds, as the texts that JSON writes them with. No exponents here, and no more digits than a double can tell apart.
import { determinize, intersect } from "../dfa.ts";
import type { Budget } from "../error.ts";
import { digit, integerRule, MAX_DIGITS, numberRule } from "../json.ts";
import { Nfa } from "../nfa.ts";
import { call, chars, choice, empty, nothing, optional, repeat, sequence, text, type Dfa, type Edge, type Node, type State } from "../node.ts";
import { fullMatch } from "../regex.ts";
import { excludedBy, fail, numberAt, valuesAt, type Path, type Schema } from "./read.ts";

const LARGEST = 10 ** MAX_DIGITS - 1;
const MAX_MULTIPLE = 10_000;

interface Bound {
  readonly value: number;
  readonly open: boolean; // the value itself is not allowed
}

export function integerNode(schema: Schema, path: Path, budget: Budget): Node {
  return without(integersOf(schema, path, budget), schema, path, budget);
}

function integersOf(schema: Schema, path: Path, budget: Budget): Node {
  const low = Math.max(
    lower(schema, path).reduce((max, { value, open }) => Math.max(max, open ? Math.floor(value) + 1 : Math.ceil(value)), -Infinity),
    -LARGEST,
  );
  const high = Math.min(
    upper(schema, path).reduce((min, { value, open }) => Math.min(min, open ? Math.ceil(value) - 1 : Math.floor(value)), Infinity),
    LARGEST,
  );
  const free = low === -LARGEST && high === LARGEST;
  const range = free ? call(integerRule) : integers(low, high);
  const multiple = numberAt(schema, "multipleOf", path);
  if (multiple === undefined || multiple === 1) return range;
  if (!Number.isInteger(multiple) || multiple < 1 || multiple > MAX_MULTIPLE)
    fail([...path, "multipleOf"], `can be enforced only as a whole number up to ${MAX_MULTIPLE}`);
  const own = determinize(new Nfa(free ? integerRule.body : range, [], budget), budget);
  return { type: "automaton", dfa: intersect(own, multiplesOf(multiple, budget), budget) };
}

export function numberNode(schema: Schema, path: Path, budget: Budget): Node {
  if (valuesAt(schema, "format").some(format => format === "int32" || format === "int64")) return integerNode(schema, path, budget);
  return without(numbersOf(schema, path, budget), schema, path, budget);
}

/** Texts of numbers but for those that `not` leaves out, in all their ways of being written, of which exponents are none then. */
function without(all: Node, schema: Schema, path: Path, budget: Budget): Node {
  const values = excludedBy(schema).filter(value => typeof value === "number");
  if (values.length === 0) return all;
  const odd = values.find(value => String(value).includes("e"));
  if (odd !== undefined) fail([...path, "not"], `cannot be enforced on ${odd}`);
  const bad = values.map(value => `${value === 0 ? "-?0" : String(value).replace(".", "\\.")}${Number.isInteger(value) ? "(\\.0+)?" : "0*"}`);
  const plain = fullMatch("-?[0-9]+(\\.[0-9]+)?", budget);
  const [numbers, written, excluded] = [all.type === "rule" ? all.rule.body : all, plain, fullMatch(bad.join("|"), budget)].map(node =>
    determinize(new Nfa(node, [], budget), budget),
  ) as [Dfa, Dfa, Dfa];
  return { type: "automaton", dfa: intersect(intersect(numbers, written, budget), excluded, budget, false) };
}

function numbersOf(schema: Schema, path: Path, budget: Budget): Node {
  if (schema["multipleOf"] !== undefined) {
    const multiple = numberAt(schema, "multipleOf", path)!;
    if (!Number.isInteger(multiple)) fail([...path, "multipleOf"], `can be enforced only as a whole number up to ${MAX_MULTIPLE}`);
    return integersOf(schema, path, budget); // a multiple of a whole number is one
  }
  const [lows, highs] = [lower(schema, path), upper(schema, path)];
  if (lows.length === 0 && highs.length === 0) return call(numberRule);
  const low = lows.reduce((a, b) => (b.value > a.value || (b.value === a.value && b.open) ? b : a), { value: -LARGEST, open: false });
  const high = highs.reduce((a, b) => (b.value < a.value || (b.value === a.value && b.open) ? b : a), { value: LARGEST, open: false });
  if (Math.max(Math.abs(low.value), Math.abs(high.value)) > LARGEST) fail(path, `has bounds beyond ${LARGEST}, which cannot be enforced`);
  if (low.value > high.value || (low.value === high.value && (low.open || high.open))) return nothing;
  const negative =
    low.value < 0 ? sequence(text("-"), decimals({ ...mirrored(high), open: high.value >= 0 || high.open }, mirrored(low), budget)) : nothing;
  const positive =
    high.value > 0 || (high.value === 0 && !high.open) ? decimals(low.value < 0 ? { value: 0, open: false } : low, high, budget) : nothing;
  return choice([negative, positive]);
}

/** From the other side of zero; bounds beyond zero end there. */
const mirrored = ({ value, open }: Bound): Bound => ({ value: Math.max(0, -value), open });

function lower(schema: Schema, path: Path): Bound[] {
  return boundsOf(schema, path, "minimum", "exclusiveMinimum");
}

function upper(schema: Schema, path: Path): Bound[] {
  return boundsOf(schema, path, "maximum", "exclusiveMaximum");
}

function boundsOf(schema: Schema, path: Path, name: string, exclusive: string): Bound[] {
  const closed = numberAt(schema, name, path);
  const open = numberAt(schema, exclusive, path);
  const made = [...(closed === undefined ? [] : [{ value: closed, open: false }]), ...(open === undefined ? [] : [{ value: open, open: true }])];
  if (!valuesAt(schema, "format").includes("int32")) return made;
  return [...made, { value: name === "minimum" ? -(2 ** 31) : 2 ** 31 - 1, open: false }];
}

function integers(low: number, high: number): Node {
  if (low > high) return nothing;
  const negative = low < 0 ? sequence(text("-"), naturals(Math.max(1, -high), -low)) : nothing;
  const positive = high >= 0 ? naturals(Math.max(0, low), high) : nothing;
  return choice([negative, positive]);
}

/** low … high without leading zeros. */
function naturals(low: number, high: number): Node {
  if (low > high) return nothing;
  const [from, to] = [String(low), String(high)];
  if (from.length === to.length) return sameLength(from, to);
  const nodes: Node[] = [sameLength(from, "9".repeat(from.length)), sameLength(`1${"0".repeat(to.length - 1)}`, to)];
  for (let length = from.length + 1; length < to.length; length++) nodes.push(sequence(digits(1, 9), repeat(digit, length - 1, length - 1)));
  return choice(nodes);
}

function sameLength(from: string, to: string): Node {
  if (/^0*$/.test(from) && /^9*$/.test(to)) return repeat(digit, to.length, to.length);
  const [first, last] = [Number(from[0]), Number(to[0])];
  const [restFrom, restTo] = [from.slice(1), to.slice(1)];
  const rest = restFrom.length;
  if (first === last) return sequence(digits(first, first), sameLength(restFrom, restTo));
  const nodes = [
    sequence(digits(first, first), sameLength(restFrom, "9".repeat(rest))),
    sequence(digits(last, last), sameLength("0".repeat(rest), restTo)),
  ];
  if (first + 1 < last) nodes.push(sequence(digits(first + 1, last - 1), repeat(digit, rest, rest)));
  return choice(nodes);
}

const digits = (from: number, to: number): Node => chars([[0x30 + from, 0x30 + to]]);

/** 0 ≤ low … high. No more digits behind the point than keep all texts near a bound apart from it. */
function decimals(low: Bound, high: Bound, budget: Budget): Node {
  const [lowWhole, lowPart] = split(low.value);
  const [highWhole, highPart] = split(high.value);
  const places = Math.max(0, MAX_DIGITS - String(high.value < LARGEST ? highWhole : lowWhole).length);
  const anyPart = places === 0 ? empty : optional(sequence(text("."), upTo(1, places)));
  const above = choice([
    sequence(naturals(lowWhole + 1, LARGEST), anyPart),
    sequence(naturals(lowWhole, lowWhole), fraction(atLeast(lowPart, low.open, places), lowPart === "" && !low.open)),
  ]);
  const below = choice([
    sequence(naturals(0, highWhole - 1), anyPart),
    sequence(naturals(highWhole, highWhole), fraction(atMost(highPart, high.open, places), highPart !== "" || !high.open)),
  ]);
  const [a, b] = [above, below].map(node => determinize(new Nfa(node, [], budget), budget)) as [Dfa, Dfa];
  return { type: "automaton", dfa: intersect(a, b, budget) };
}

function fraction(digits: Node, mayBeAbsent: boolean): Node {
  const some = sequence(text("."), digits);
  return mayBeAbsent ? optional(some) : some;
}

/** A number's whole part, and its decimals without zeros at their end. */
function split(value: number): [whole: number, part: string] {
  const written = String(value).includes("e") ? value.toFixed(20) : String(value);
  return [Math.floor(value), (written.split(".")[1] ?? "").replace(/0+$/, "")];
}

const upTo = (min: number, max: number): Node => (max < min ? (min === 0 ? empty : nothing) : repeat(digit, min, max));

/** At least one digit f with 0.f ≥ 0.part. */
function atLeast(part: string, open: boolean, places: number): Node {
  if (places <= 0) return nothing;
  if (part === "" && !open) return upTo(1, places);
  const first = Number(part[0] ?? "0");
  const rest = part.slice(1);
  const larger = first < 9 ? sequence(digits(first + 1, 9), upTo(0, places - 1)) : nothing;
  const same = rest === "" && !open ? upTo(0, places - 1) : atLeast(rest, open, places - 1);
  return choice([larger, sequence(digits(first, first), same)]);
}

/** At least one digit f with 0.f ≤ 0.part. */
function atMost(part: string, open: boolean, places: number): Node {
  if (places <= 0) return nothing;
  if (part === "") return open ? nothing : repeat(text("0"), 1, places);
  const first = Number(part[0]);
  const rest = part.slice(1);
  const smaller = first > 0 ? sequence(digits(0, first - 1), upTo(0, places - 1)) : nothing;
  const ended = rest !== "" || !open ? empty : nothing;
  return choice([smaller, sequence(digits(first, first), choice([ended, atMost(rest, open, places - 1)]))]);
}

/** Decimal texts of multiples of n, by their remainder. */
function multiplesOf(n: number, budget: Budget): Dfa {
  budget.spend(n * 20);
  const edges = (remainder: number): Edge[] =>
    Array.from({ length: 10 }, (_, d) => ({ from: 0x30 + d, to: 0x30 + d, target: 1 + ((remainder * 10 + d) % n) }));
  const start: State = { accepts: false, edges: [{ from: 0x2d, to: 0x2d, target: 1 + n }, ...edges(0)], calls: [] };
  const states = Array.from({ length: n }, (_, remainder): State => ({ accepts: remainder === 0, edges: edges(remainder), calls: [] }));
  return { states: [start, ...states, { accepts: false, edges: edges(0), calls: [] }] };
}
