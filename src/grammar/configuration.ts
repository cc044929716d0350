// Where a text stands in an automaton: all ways of reading it so far at once. Each way is a state and what is to be gone on with behind it.
// Equal places are one object, and each remembers where a symbol leads, so that what was worked out once is looked up from then on.
import type { Automaton } from "../engine/protocol.ts";

/** Calls that are not finished, innermost first. */
interface Frame {
  readonly id: number;
  readonly call: number;
  readonly count: number; // how often its part was read
  readonly below: Frame | undefined;
  readonly depth: number;
}

interface Way {
  readonly state: number;
  readonly frame: Frame | undefined;
}

export interface Configuration {
  readonly ways: readonly Way[];
  readonly accepts: boolean; // the text may end here
  readonly next: (Configuration | null | undefined)[]; // by symbol; null: the symbol does not fit
  mask: Uint8Array | undefined; // masks.ts
}

/** Symbols from … to. */
interface Around {
  from: number;
  to: number;
}

/** The work of one step of decoding has grown beyond what a request may take. */
export class GrammarLimit extends Error {}

const MAX_NESTING = 500; // parts within parts; where a text can go on without nesting deeper, it does
const MAX_WAYS = 4000;
const MAX_KNOWN = 5000; // configurations, about 3 kB each; what is older is worked out again
const MAX_WORK = 4_000_000; // ways followed between two calls of `rest`: some hundred milliseconds

export class Configurations {
  readonly start: Configuration;
  private readonly frames = new Map<string, Frame>();
  private readonly known = new Map<string, Configuration>();
  private readonly width: number;
  private nextId = 1;
  private work = 0;

  constructor(private readonly automaton: Automaton) {
    this.width = 257 + automaton.tokens.length;
    this.start = this.intern(this.collect(ways => this.expand(automaton.start, undefined, ways)));
  }

  /** Where the symbol leads; null when it does not fit. Learns the same of all symbols around it that nothing here tells apart. */
  step(from: Configuration, symbol: number): Configuration | null {
    const known = from.next[symbol];
    if (known !== undefined) return known;
    const around: Around = { from: 0, to: this.width - 1 };
    const ways = this.collect(found => {
      for (const { state, frame } of from.ways) {
        const target = this.follow(state, symbol, around);
        if (target >= 0) this.expand(target, frame, found);
      }
    });
    const next = ways.length === 0 ? null : this.intern(ways);
    from.next.fill(next, around.from, around.to + 1);
    return next;
  }

  /** Between steps: forgets what grew too large, and starts to count work anew. */
  rest(): void {
    this.work = 0;
    if (this.known.size <= MAX_KNOWN) return;
    this.known.clear();
    this.frames.clear();
    this.start.next.fill(undefined);
  }

  /** The target of a state's edge, or -1. Narrows down the symbols that the same holds for. */
  private follow(state: number, symbol: number, around: Around): number {
    const { firstEdge, edges } = this.automaton;
    let low = firstEdge[state]!;
    let high = firstEdge[state + 1]! - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const [from, to] = [edges[3 * middle]!, edges[3 * middle + 1]!];
      if (symbol < from) {
        high = middle - 1;
        around.to = Math.min(around.to, from - 1);
      } else if (symbol > to) {
        low = middle + 1;
        around.from = Math.max(around.from, to + 1);
      } else {
        around.from = Math.max(around.from, from);
        around.to = Math.min(around.to, to);
        return edges[3 * middle + 2]!;
      }
    }
    return -1;
  }

  private collect(fill: (ways: Map<string, Way>) => void): Way[] {
    const ways = new Map<string, Way>();
    fill(ways);
    if (ways.size > MAX_WAYS) throw new GrammarLimit("the grammar can be read in too many ways at once");
    return [...ways.values()].filter(({ state, frame }) => this.reads(state) || (frame === undefined && this.automaton.accepts[state] === 1));
  }

  private reads(state: number): boolean {
    return this.automaton.firstEdge[state]! < this.automaton.firstEdge[state + 1]!;
  }

  /** Adds a state and everything that is reached from it without reading. */
  private expand(state: number, frame: Frame | undefined, ways: Map<string, Way>): void {
    const key = `${state},${frame?.id ?? 0}`;
    if (ways.has(key)) return;
    ways.set(key, { state, frame });
    if (++this.work > MAX_WORK) throw new GrammarLimit("the grammar takes too long to follow");
    const { accepts, firstCall, calls } = this.automaton;
    for (let call = firstCall[state]!; call < firstCall[state + 1]!; call++) {
      const [begin, least, most, next] = [calls[4 * call]!, calls[4 * call + 1]!, calls[4 * call + 2]!, calls[4 * call + 3]!];
      if (least === 0) this.expand(next, frame, ways);
      if (most === 0) continue;
      if (most === 1 && this.isEnd(next))
        this.expand(begin, frame, ways); // nothing is left to do behind it
      else this.enter(begin, call, 0, frame, ways);
    }
    if (accepts[state] === 1 && frame !== undefined) this.leave(frame, ways);
  }

  private enter(begin: number, call: number, count: number, below: Frame | undefined, ways: Map<string, Way>): void {
    const depth = (below?.depth ?? 0) + 1;
    if (depth > MAX_NESTING) return;
    const key = `${call},${count},${below?.id ?? 0}`;
    let frame = this.frames.get(key);
    if (!frame) this.frames.set(key, (frame = { id: this.nextId++, call, count, below, depth }));
    this.expand(begin, frame, ways);
  }

  /** A called part has ended: once more, or on behind it. */
  private leave({ call, count, below }: Frame, ways: Map<string, Way>): void {
    const { calls } = this.automaton;
    const [begin, least, most, next] = [calls[4 * call]!, calls[4 * call + 1]!, calls[4 * call + 2]!, calls[4 * call + 3]!];
    const done = most < 0 ? Math.min(count + 1, least) : count + 1; // without a limit only the least number matters
    if (done >= least) this.expand(next, below, ways);
    if (most < 0 || done < most) this.enter(begin, call, done, below, ways);
  }

  private isEnd(state: number): boolean {
    const { accepts, firstCall } = this.automaton;
    return accepts[state] === 1 && !this.reads(state) && firstCall[state] === firstCall[state + 1];
  }

  private intern(ways: readonly Way[]): Configuration {
    const sorted = ways.toSorted((a, b) => a.state - b.state || (a.frame?.id ?? 0) - (b.frame?.id ?? 0));
    const key = sorted.map(({ state, frame }) => `${state},${frame?.id ?? 0}`).join(";");
    const known = this.known.get(key);
    if (known) return known;
    const accepts = ways.some(({ state, frame }) => frame === undefined && this.automaton.accepts[state] === 1);
    const made: Configuration = { ways: sorted, accepts, next: new Array<Configuration | undefined>(this.width).fill(undefined), mask: undefined };
    this.known.set(key, made);
    return made;
  }
}
