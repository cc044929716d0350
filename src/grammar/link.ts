// A tree with rules as one automaton with calls, checked: every state can still end, and no rule begins with itself.
import type { Automaton } from "../engine/protocol.ts";
import { determinize, minimize } from "./dfa.ts";
import { GrammarError, naming, type Budget } from "./error.ts";
import { Nfa } from "./nfa.ts";
import { rule, type Call, type Dfa, type Node, type Rule, type State } from "./node.ts";

/** `tokenId` gives the id of an added token that the tree names. */
export function link(root: Node, budget: Budget, tokenId: (text: string) => number): Automaton {
  const tokens: string[] = [];
  const start = rule("root", root);
  const bodies = new Map<Rule, Dfa>([[start, toBody(start, tokens, budget)]]);
  for (const body of bodies.values())
    for (const state of body.states)
      for (const { rule: called } of state.calls) if (!bodies.has(called)) bodies.set(called, toBody(called, tokens, budget));
  const productive = productiveRules(bodies, budget);
  const empty = [...bodies.keys()].find(owner => owner.tool !== undefined && !productive.has(owner)) ?? start;
  if (!productive.has(empty)) throw new GrammarError("allows nothing at all, or nothing that ends", [], empty.tool);
  for (const [owner, body] of bodies) {
    if (productive.has(owner)) bodies.set(owner, trim(body, productive));
    else bodies.delete(owner);
  }
  checkBeginnings(bodies);
  return flatten(start, bodies, tokens.map(tokenId));
}

function toBody(owner: Rule, tokens: string[], budget: Budget): Dfa {
  budget.spend(50);
  return minimize(determinize(new Nfa(owner.body, tokens, budget), budget), budget);
}

/** Rules that have a text. */
function productiveRules(bodies: ReadonlyMap<Rule, Dfa>, budget: Budget): Set<Rule> {
  const productive = new Set<Rule>();
  for (let before = -1; before < productive.size;) {
    before = productive.size;
    for (const [owner, body] of bodies) {
      budget.spend(body.states.length);
      if (!productive.has(owner) && endings(body, productive).has(0)) productive.add(owner);
    }
  }
  return productive;
}

const passable = ({ rule: called, min }: Call, productive: ReadonlySet<Rule>) => min === 0 || productive.has(called);

/** States from which an end can be reached. */
function endings(body: Dfa, productive: ReadonlySet<Rule>): Set<number> {
  const sources = body.states.map((): number[] => []);
  body.states.forEach(({ edges, calls }, i) => {
    for (const { target } of edges) sources[target]!.push(i);
    for (const call of calls) if (passable(call, productive)) sources[call.target]!.push(i);
  });
  const found = new Set(body.states.flatMap((state, i) => (state.accepts ? [i] : [])));
  for (const state of found) sources[state]!.forEach(source => found.add(source));
  return found;
}

/** Without what leads nowhere; a call of a rule without texts stays as the empty step that it may be. */
function trim(body: Dfa, productive: ReadonlySet<Rule>): Dfa {
  const useful = endings(body, productive);
  const states = body.states.map(({ accepts, edges, calls }, i): State => {
    if (!useful.has(i)) return { accepts: false, edges: [], calls: [] };
    return {
      accepts,
      edges: edges.filter(edge => useful.has(edge.target)),
      calls: calls
        .filter(call => useful.has(call.target) && passable(call, productive))
        .map(call => (productive.has(call.rule) ? call : { ...call, max: 0 })),
    };
  });
  return { states };
}

/** Left recursion has no beginning to read; a rule that may be empty would repeat without reading. */
function checkBeginnings(bodies: ReadonlyMap<Rule, Dfa>): void {
  const nullable = new Set<Rule>();
  for (let before = -1; before < nullable.size;) {
    before = nullable.size;
    for (const [owner, body] of bodies) if (heads(body, nullable).empty) nullable.add(owner);
  }
  const done = new Set<Rule>();
  const open = new Set<Rule>();
  const visit = (owner: Rule): void => {
    if (done.has(owner)) return;
    if (open.has(owner)) throw new GrammarError(`is left-recursive or endless in ${JSON.stringify(owner.name)}`);
    open.add(owner);
    heads(bodies.get(owner)!, nullable).called.forEach(visit);
    open.delete(owner);
    done.add(owner);
  };
  const check = (owner: Rule): void => {
    visit(owner);
    for (const { calls } of bodies.get(owner)!.states)
      for (const call of calls)
        if (call.max > 1 && nullable.has(call.rule)) throw new GrammarError(`repeats ${JSON.stringify(call.rule.name)}, which may be empty`);
  };
  for (const { tool } of bodies.keys()) if (tool !== undefined) naming(tool, () => within(tool, bodies).forEach(check));
  for (const owner of bodies.keys()) check(owner);
}

/** The rules that a tool's arguments are made of. */
function within(tool: string, bodies: ReadonlyMap<Rule, Dfa>): Set<Rule> {
  const found = new Set([...bodies.keys()].filter(owner => owner.tool === tool));
  for (const owner of found) for (const { calls } of bodies.get(owner)!.states) for (const call of calls) if (call.max > 0) found.add(call.rule);
  return found;
}

/** Rules that are called before anything is read, and whether the end is reached like that. */
function heads(body: Dfa, nullable: ReadonlySet<Rule>): { readonly called: Set<Rule>; readonly empty: boolean } {
  const called = new Set<Rule>();
  const reached = new Set([0]);
  for (const state of reached)
    for (const call of body.states[state]!.calls) {
      if (call.max > 0) called.add(call.rule);
      if (call.min === 0 || nullable.has(call.rule)) reached.add(call.target);
    }
  return { called, empty: [...reached].some(state => body.states[state]!.accepts) };
}

function flatten(start: Rule, bodies: ReadonlyMap<Rule, Dfa>, tokens: readonly number[]): Automaton {
  const base = new Map<Rule, number>();
  let count = 0;
  for (const [owner, body] of bodies) {
    base.set(owner, count);
    count += body.states.length;
  }
  const states = [...bodies].flatMap(([owner, body]) => body.states.map(state => ({ state, offset: base.get(owner)! })));
  const edges = states.flatMap(({ state, offset }) => state.edges.map(edge => [edge.from, edge.to, edge.target + offset]));
  const calls = states.flatMap(({ state, offset }) =>
    state.calls.map(call => [base.get(call.rule)!, call.min, call.max === Infinity ? -1 : call.max, call.target + offset]),
  );
  return {
    start: base.get(start)!,
    accepts: Uint8Array.from(states, ({ state }) => (state.accepts ? 1 : 0)),
    firstEdge: offsets(states.map(({ state }) => state.edges.length)),
    firstCall: offsets(states.map(({ state }) => state.calls.length)),
    edges: Int32Array.from(edges.flat()),
    calls: Int32Array.from(calls.flat()),
    tokens: Uint32Array.from(tokens),
  };
}

function offsets(lengths: readonly number[]): Int32Array {
  const made = new Int32Array(lengths.length + 1);
  lengths.forEach((length, i) => (made[i + 1] = made[i]! + length));
  return made;
}
