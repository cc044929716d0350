// Deterministic automata over symbols, made from trees. A state may also call rules: that is where an automaton becomes a grammar.
import type { Budget } from "./error.ts";
import { BEGIN, END, type Call, type Dfa, type Edge, type Rule, type State } from "./node.ts";
import type { Nfa } from "./nfa.ts";

/** Subset construction. With `absorbing`, nothing follows a match: for searches, where whatever follows is allowed anyway. */
export function determinize(nfa: Nfa, budget: Budget, absorbing = false): Dfa {
  const known = new Map<string, number>();
  const sets: (readonly number[])[] = [];
  const states: State[] = [];
  const stateOf = (members: readonly number[]): number => {
    const set = nfa.closure(members, budget);
    const key = set.join();
    const found = known.get(key);
    if (found !== undefined) return found;
    known.set(key, sets.length);
    return sets.push(set) - 1;
  };
  stateOf([nfa.start]);
  for (let i = 0; i < sets.length; i++) {
    const set = sets[i]!;
    const accepts = set.includes(nfa.end);
    budget.spend(20 + set.length);
    states.push(
      accepts && absorbing
        ? { accepts, edges: [], calls: [] }
        : { accepts, edges: edgesOf(nfa, set, stateOf, budget), calls: callsOf(nfa, set, stateOf) },
    );
  }
  return { states };
}

function edgesOf(nfa: Nfa, set: readonly number[], stateOf: (set: readonly number[]) => number, budget: Budget): Edge[] {
  const edges = set.flatMap(state => nfa.edges[state]!);
  if (edges.length === 1) return [{ from: edges[0]!.from, to: edges[0]!.to, target: stateOf([edges[0]!.target]) }];
  const cuts = [...new Set(edges.flatMap(edge => [edge.from, edge.to + 1]))].sort((a, b) => a - b);
  const sorted = edges.toSorted((a, b) => a.from - b.from);
  const made: Edge[] = [];
  let active: typeof sorted = [];
  let next = 0;
  for (let i = 0; i + 1 < cuts.length; i++) {
    const [from, to] = [cuts[i]!, cuts[i + 1]! - 1];
    active = active.filter(edge => edge.to >= from);
    while (next < sorted.length && sorted[next]!.from === from) active.push(sorted[next++]!);
    budget.spend(1 + active.length);
    if (active.length === 0) continue;
    const target = stateOf([...new Set(active.map(edge => edge.target))]);
    const last = made.at(-1);
    if (last && last.target === target && last.to + 1 === from) made[made.length - 1] = { ...last, to };
    else made.push({ from, to, target });
  }
  return made;
}

function callsOf(nfa: Nfa, set: readonly number[], stateOf: (set: readonly number[]) => number): Call[] {
  const groups: { rule: Rule; min: number; max: number; targets: number[] }[] = [];
  for (const { rule, min, max, target } of set.flatMap(state => nfa.calls[state]!)) {
    const group = groups.find(other => other.rule === rule && other.min === min && other.max === max);
    if (group) group.targets.push(target);
    else groups.push({ rule, min, max, targets: [target] });
  }
  return groups.map(({ rule, min, max, targets }) => ({ rule, min, max, target: stateOf(targets) }));
}

/** Texts of `a` that are (or, with `keep` false, are not) texts of `b`. Neither has calls. */
export function intersect(a: Dfa, b: Dfa, budget: Budget, keep = true): Dfa {
  const known = new Map<number, number>();
  const pairs: (readonly [number, number])[] = []; // the second is b's length where b has no way on
  const states: State[] = [];
  const stateOf = (left: number, right: number): number => {
    const key = left * (b.states.length + 1) + right;
    const found = known.get(key);
    if (found !== undefined) return found;
    known.set(key, pairs.length);
    return pairs.push([left, right]) - 1;
  };
  stateOf(0, 0);
  for (let i = 0; i < pairs.length; i++) {
    const [left, right] = pairs[i]!;
    const own = a.states[left]!;
    const other = b.states[right];
    const edges: Edge[] = [];
    for (const edge of own.edges) {
      for (const part of splitBy(edge, other?.edges ?? [])) {
        budget.spend(2);
        if (part.target === undefined && keep) continue;
        edges.push({ from: part.from, to: part.to, target: stateOf(edge.target, part.target ?? b.states.length) });
      }
    }
    states.push({ accepts: own.accepts && (other?.accepts ?? false) === keep, edges, calls: [] });
  }
  return { states };
}

/** An edge's symbols cut where the other edges begin and end; `target` is theirs. */
function splitBy(edge: Edge, others: readonly Edge[]): { from: number; to: number; target: number | undefined }[] {
  const parts: { from: number; to: number; target: number | undefined }[] = [];
  let next = edge.from;
  for (const other of others) {
    if (other.to < next || other.from > edge.to) continue;
    if (other.from > next) parts.push({ from: next, to: other.from - 1, target: undefined });
    const to = Math.min(other.to, edge.to);
    parts.push({ from: Math.max(next, other.from), to, target: other.target });
    next = to + 1;
  }
  if (next <= edge.to) parts.push({ from: next, to: edge.to, target: undefined });
  return parts;
}

/** From an automaton over BEGIN text END to one over the text alone. */
export function resolveAnchors(dfa: Dfa): Dfa {
  const start = follow(dfa, 0, BEGIN);
  if (start === undefined) return { states: [{ accepts: false, edges: [], calls: [] }] };
  const accepts = (state: number): boolean => {
    const end = follow(dfa, state, END);
    return end !== undefined && dfa.states[end]!.accepts;
  };
  const order = [start, ...dfa.states.keys().filter(state => state !== start)];
  const place = new Map(order.map((state, i) => [state, i]));
  const states = order.map((state): State => {
    const edges = dfa.states[state]!.edges.filter(edge => edge.to < BEGIN).map(edge => ({ ...edge, target: place.get(edge.target)! }));
    return { accepts: accepts(state), edges, calls: [] };
  });
  return { states };
}

function follow(dfa: Dfa, state: number, symbol: number): number | undefined {
  return dfa.states[state]!.edges.find(edge => edge.from <= symbol && symbol <= edge.to)?.target;
}

/** Whether a text is the automaton's. */
export function accepts(dfa: Dfa, text: string): boolean {
  let state: number | undefined = 0;
  for (const byte of new TextEncoder().encode(text)) state = state === undefined ? undefined : follow(dfa, state, byte);
  return state !== undefined && dfa.states[state]!.accepts;
}

/** Whether the automaton has no text. */
export function isEmpty(dfa: Dfa): boolean {
  return !fromTheEnd(dfa).some(state => dfa.states[state]!.accepts);
}

const PASSES = 3;

/**
 * Merges states that go on alike, so that what is built on top of them stays small. Those at the end come first, so that a pass
 * settles everything but loops.
 */
export function minimize(dfa: Dfa, budget: Budget): Dfa {
  const order = fromTheEnd(dfa);
  const same = dfa.states.map((_, i) => i);
  for (let pass = 0, changed = true; pass < PASSES && changed; pass++) {
    changed = false;
    const known = new Map<string, number>();
    for (const i of order) {
      const { accepts, edges, calls } = dfa.states[i]!;
      budget.spend(2 + edges.length);
      let key = accepts ? "!" : "";
      for (const { from, to, target } of merged(edges, same)) key += `${from}-${to}:${target},`;
      for (const call of calls) key += `${ruleNumber(call.rule)}x${call.min}-${call.max}:${same[call.target]},`;
      const first = known.get(key);
      if (first === undefined) known.set(key, i);
      else if (same[i] !== first) [same[i], changed] = [first, true];
    }
  }
  return renumbered(dfa, same);
}

/** The states that are reached, each behind those that it leads to, loops aside. */
function fromTheEnd(dfa: Dfa): number[] {
  const order: number[] = [];
  const seen = new Set([0]);
  const path: { readonly state: number; readonly targets: number[] }[] = [];
  const enter = (state: number) => {
    const { edges, calls } = dfa.states[state]!;
    path.push({ state, targets: [...edges, ...calls].map(({ target }) => target) });
  };
  enter(0);
  for (let last = path.at(-1); last; last = path.at(-1)) {
    const target = last.targets.pop();
    if (target === undefined) order.push(path.pop()!.state);
    else if (!seen.has(target)) {
      seen.add(target);
      enter(target);
    }
  }
  return order;
}

/** Each state takes the place of those that are the same as it. */
function renumbered(dfa: Dfa, same: readonly number[]): Dfa {
  const places = new Map([[same[0]!, 0]]);
  const place = (state: number): number => {
    const first = same[state]!;
    if (!places.has(first)) places.set(first, places.size);
    return places.get(first)!;
  };
  const states: State[] = [];
  for (const [first] of places) {
    const { accepts, edges, calls } = dfa.states[first]!;
    const targets = merged(edges, same).map(edge => ({ ...edge, target: place(edge.target) }));
    states.push({ accepts, edges: targets, calls: calls.map(call => ({ ...call, target: place(call.target) })) });
  }
  return { states };
}

/** Edges side by side that lead to the same are one. */
function merged(edges: readonly Edge[], same: readonly number[]): readonly Edge[] {
  const made: Edge[] = [];
  for (const { from, to, target } of edges) {
    const last = made.at(-1);
    if (last && last.to + 1 === from && last.target === same[target]) made[made.length - 1] = { ...last, to };
    else made.push({ from, to, target: same[target]! });
  }
  return made;
}

const numbers = new WeakMap<Rule, number>();
let count = 0;

function ruleNumber(rule: Rule): number {
  if (!numbers.has(rule)) numbers.set(rule, count++);
  return numbers.get(rule)!;
}
