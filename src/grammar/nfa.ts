// A tree as an automaton with free moves: Thompson's construction, and UTF-8 for characters.
import { FIRST_TOKEN, type Call, type Edge, type Node, type State } from "./node.ts";
import { utf8Ranges } from "./ranges.ts";
import { GrammarError, type Budget } from "./error.ts";

export class Nfa {
  readonly edges: Edge[][] = [];
  readonly calls: Call[][] = [];
  readonly start: number;
  readonly end: number;
  private readonly free: number[][] = [];
  private readonly mark: number[] = []; // the closure that saw a state last
  private closures = 0;

  /** `tokens` collects the added tokens that the tree names; their place is their symbol. */
  constructor(
    node: Node,
    private readonly tokens: string[],
    private readonly budget: Budget,
  ) {
    this.start = this.state();
    this.end = this.add(node, this.start);
  }

  /** All states that are reached from some without reading anything, sorted; those that only lead on are left out. */
  closure(states: readonly number[], budget: Budget): number[] {
    const round = ++this.closures;
    const open: number[] = [];
    const visit = (state: number) => {
      if (this.mark[state] === round) return;
      this.mark[state] = round;
      open.push(state);
    };
    states.forEach(visit);
    for (let i = 0; i < open.length; i++) this.free[open[i]!]!.forEach(visit);
    budget.spend(open.length);
    return open.filter(state => state === this.end || this.edges[state]!.length > 0 || this.calls[state]!.length > 0).sort((a, b) => a - b);
  }

  private state(): number {
    this.budget.spend(4);
    this.free.push([]);
    this.calls.push([]);
    this.mark.push(0);
    return this.edges.push([]) - 1;
  }

  /** Adds a tree behind a state; returns the state where it ends. */
  private add(node: Node, from: number): number {
    switch (node.type) {
      case "chars":
        return this.addChars(node.ranges, from);
      case "symbols": {
        const end = this.state();
        for (const [low, high] of node.ranges) this.edges[from]!.push({ from: low, to: high, target: end });
        return end;
      }
      case "token": {
        const known = this.tokens.indexOf(node.text);
        const symbol = FIRST_TOKEN + (known < 0 ? this.tokens.push(node.text) - 1 : known);
        return this.add({ type: "symbols", ranges: [[symbol, symbol]] }, from);
      }
      case "sequence":
        return node.items.reduce((at, item) => this.add(item, at), from);
      case "choice": {
        const end = this.state();
        for (const item of node.items) this.free[this.add(item, this.branch(from))]!.push(end);
        return end;
      }
      case "repeat":
        return this.addRepeat(node.item, node.min, node.max, from);
      case "rule": {
        const end = this.state();
        this.calls[from]!.push({ rule: node.rule, min: node.min, max: node.max, target: end });
        return end;
      }
      case "automaton":
        return this.addAutomaton(node.dfa.states, from);
    }
  }

  /** A state of its own, so that loops of an item do not lead back into what stands beside it. */
  private branch(from: number): number {
    const made = this.state();
    this.free[from]!.push(made);
    return made;
  }

  private addChars(ranges: readonly (readonly [number, number])[], from: number): number {
    const end = this.state();
    for (const [low, high] of ranges) {
      for (const bytes of utf8Ranges(low, high)) {
        let at = from;
        bytes.forEach(([first, last], i) => {
          const target = i === bytes.length - 1 ? end : this.state();
          this.edges[at]!.push({ from: first, to: last, target });
          at = target;
        });
      }
    }
    return end;
  }

  private addRepeat(item: Node, min: number, max: number, from: number): number {
    let at = from;
    for (let i = 0; i < min; i++) at = this.add(item, at);
    if (max === Infinity) {
      const loop = this.branch(at);
      this.free[this.add(item, loop)]!.push(loop);
      return this.branch(loop);
    }
    const end = this.state();
    for (let i = min; i < max; i++) {
      this.free[at]!.push(end);
      at = this.add(item, this.branch(at));
    }
    this.free[at]!.push(end);
    return end;
  }

  private addAutomaton(states: readonly State[], from: number): number {
    const end = this.state();
    const places = states.map(() => this.state());
    this.free[from]!.push(places[0]!);
    states.forEach((state, i) => {
      if (state.calls.length > 0) throw new GrammarError("has a recursive part where none can be");
      for (const edge of state.edges) this.edges[places[i]!]!.push({ ...edge, target: places[edge.target]! });
      if (state.accepts) this.free[places[i]!]!.push(end);
    });
    return end;
  }
}
