// Decides what the next step does: which prompts are read on, by how many ids, and which sequences draw an id.
// Pure bookkeeping. The runner carries a plan out; the loop reports back what was drawn.
//
//   add → waiting ──admit──→ running ──remove──→ gone
//            ↑                  │
//            └─────preempt──────┘   its row is freed; once its ids in flight are known it may be admitted again, and then
//                                   reads prompt and answer anew: what it draws next is what it would have drawn
import type { Submit } from "../engine/protocol.ts";
import { DRAWN_COST, firstOf, READ_COST, Shares } from "./policy.ts";
import { Sequence } from "./sequence.ts";

export interface Limits {
  readonly maxRows: number; // sequences admitted at a time
  readonly maxQueue: number; // sequences that wait
  readonly prefillChunk: number; // prompt ids read in one step, over all sequences
  readonly prefillRows?: number; // prompts read in one step; as many as the chunk holds when absent
  readonly contextLength: number;
}

/** A part of a sequence's source, [from, to). */
export interface Chunk {
  readonly sequence: Sequence;
  readonly from: number;
  readonly to: number;
}

export interface Plan {
  readonly chunks: readonly Chunk[];
  readonly decode: readonly Sequence[]; // each draws one id from what its prompt and answer hold
}

/** How many prompt ids a plan reads. */
export function idsRead({ chunks }: Plan): number {
  return chunks.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** What the scheduler needs of those who own memory. */
export interface Admission {
  /** Called when a sequence leaves the queue; returns how many ids of its source need not be read. */
  begin(sequence: Sequence): number;
  /** Called when a sequence that reads or draws goes back to the queue. */
  preempted?(sequence: Sequence): void;
  /** Whether the sequence can run beside the others now. Not asked when nothing else runs. */
  hasRoom?(sequence: Sequence, running: readonly Sequence[]): boolean;
}

export class Scheduler {
  /** Rows admitted at a time from now on; those that run are not touched. */
  rowLimit: number;
  preemptions = 0;
  private readonly waiting: Sequence[] = [];
  private readonly running: Sequence[] = []; // admitted: reading or drawing; in the order of their admission
  private readonly byId = new Map<number, Sequence>();
  private readonly shares = new Shares();
  private arrivals = 0;

  constructor(
    private readonly limits: Limits,
    private readonly admission: Admission = { begin: () => 0 },
  ) {
    this.rowLimit = limits.maxRows;
  }

  get runningCount(): number {
    return this.running.length;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  /** Sequences that wait or run. */
  get openCount(): number {
    return this.byId.size;
  }

  knows(sequence: Sequence): boolean {
    return this.byId.get(sequence.id) === sequence;
  }

  get idle(): boolean {
    return this.byId.size === 0;
  }

  /** Takes a sequence in at the end of the queue; undefined when the queue is full. */
  add(request: Submit): Sequence | undefined {
    const places = this.limits.maxQueue + Math.max(0, this.rowLimit - this.running.length);
    if (this.waiting.length >= places) return undefined;
    const sequence = new Sequence(request, this.limits.contextLength, this.arrivals++);
    this.waiting.push(sequence);
    this.byId.set(sequence.id, sequence);
    this.shares.enter(sequence.client);
    return sequence;
  }

  /** Marks a sequence as aborted and returns it; undefined when it is not known (any more). */
  abort(id: number): Sequence | undefined {
    const sequence = this.byId.get(id);
    if (sequence !== undefined) sequence.finish = "abort";
    return sequence;
  }

  /**
   * The next step, of at most `chunk` read ids. Every admitted sequence whose source was read draws one id. Counts what it
   * plans as done: `read` advances and drawn ids are in flight.
   */
  schedule(chunk = this.limits.prefillChunk): Plan {
    this.admitAll();
    const decode = this.running.filter(sequence => sequence.promptRead && sequence.wantsMore);
    const chunks = this.share(chunk);
    for (const { sequence, from, to } of chunks) {
      sequence.read = to;
      this.shares.charge(sequence.client, (to - from) * READ_COST);
      if (sequence.promptRead && sequence.wantsMore) sequence.inFlight += 1;
    }
    for (const sequence of decode) {
      sequence.company ||= decode.length > 1;
      sequence.inFlight += 1;
      this.shares.charge(sequence.client, DRAWN_COST);
    }
    return { chunks, decode };
  }

  /** Whether some admitted sequence draws in the next step. */
  get streaming(): boolean {
    return this.running.some(sequence => sequence.promptRead && sequence.wantsMore);
  }

  /**
   * The longest-waiting turn gets half of what may be read, and what the others do not want; they share the rest, the
   * shortest first. So a long prompt is never starved by short ones, and a short one does not wait for a long one's end.
   */
  private share(budget: number): Chunk[] {
    const reading = this.running.filter(sequence => !sequence.promptRead && sequence.finish === undefined);
    const first = firstOf(reading, this.shares.compare);
    if (first === undefined) return [];
    const left = (sequence: Sequence): number => sequence.source.length - sequence.read;
    const others = reading.filter(sequence => sequence !== first).toSorted((a, b) => left(a) - left(b));
    if (this.limits.prefillRows !== undefined) others.length = Math.min(others.length, this.limits.prefillRows - 1);
    const wanted = others.reduce((sum, sequence) => sum + left(sequence), 0);
    const chunks: Chunk[] = [];
    let rest = budget;
    const take = (sequence: Sequence, most: number): void => {
      const to = sequence.read + Math.min(most, left(sequence));
      if (to > sequence.read) chunks.push({ sequence, from: sequence.read, to });
      rest -= to - sequence.read;
    };
    take(first, Math.max(Math.ceil(budget / 2), budget - wanted));
    for (const sequence of others) take(sequence, rest);
    return chunks;
  }

  private admitAll(): void {
    for (;;) {
      const next = firstOf(this.waiting.filter(ready), this.shares.compare);
      if (next === undefined) return;
      while (!this.fits(next)) {
        const worst = this.lastToRun(sequence => sequence.priority > next.priority);
        if (worst === undefined) return; // nobody passes it, so that it does not wait for ever
        this.preempt(worst);
      }
      this.admit(next);
    }
  }

  private fits(sequence: Sequence): boolean {
    if (this.running.length === 0) return true;
    return this.running.length < this.rowLimit && (this.admission.hasRoom?.(sequence, this.running) ?? true);
  }

  private admit(sequence: Sequence): void {
    this.waiting.splice(this.waiting.indexOf(sequence), 1);
    this.running.push(sequence);
    sequence.running = true;
    sequence.begin();
    sequence.cached = sequence.read = this.admission.begin(sequence);
  }

  /** The running sequence that is given up first: the least urgent, then the one that came last. */
  lastToRun(allowed: (sequence: Sequence) => boolean = () => true): Sequence | undefined {
    const candidates = this.running.filter(sequence => sequence.preemptable && allowed(sequence));
    return firstOf(candidates, (a, b) => b.priority - a.priority || b.arrival - a.arrival);
  }

  /** Frees a running sequence's row; it waits at its old place in the order. */
  preempt(sequence: Sequence): void {
    this.running.splice(this.running.indexOf(sequence), 1);
    this.waiting.push(sequence);
    sequence.running = false;
    this.preemptions += 1;
    this.admission.preempted?.(sequence);
  }

  /** Drops a sequence that finished, failed or was aborted. */
  remove(sequence: Sequence): void {
    if (this.byId.delete(sequence.id)) this.shares.leave(sequence.client);
    for (const list of [this.waiting, this.running]) {
      const at = list.indexOf(sequence);
      if (at >= 0) list.splice(at, 1);
    }
  }

  /** Ids in flight were lost with the device's work: sequences that wait for theirs draw them again. */
  forgetInFlight(): void {
    for (const sequence of this.waiting) sequence.inFlight = 0;
  }

  /** Sequences that have left the queue and are not removed. */
  admitted(): Sequence[] {
    return [...this.running];
  }

  /** Sequences that wait or run, in the order in which they came. */
  open(): Sequence[] {
    return [...this.byId.values()];
  }

  /** Throws when the lists contradict each other; tests call it after each step. */
  check(): void {
    const listed = [...this.running, ...this.waiting];
    if (new Set(listed).size !== listed.length || listed.length !== this.byId.size) throw new Error("a sequence is listed twice or lost");
    if (this.running.length > this.limits.maxRows) throw new Error("more rows than allowed");
    if (this.shares.clients !== new Set(listed.map(({ client }) => client)).size) throw new Error("an account is lost or left over");
    for (const sequence of listed) {
      if (this.byId.get(sequence.id) !== sequence) throw new Error(`sequence ${sequence.id} is not the one known by its id`);
      if (sequence.read > sequence.source.length) throw new Error(`sequence ${sequence.id} read past its source`);
      if (sequence.answer.length + sequence.inFlight > sequence.limit && sequence.finish === undefined)
        throw new Error(`sequence ${sequence.id} draws past its limit`);
    }
  }
}

/** Whether a waiting sequence knows all its ids: one that was preempted may have some in flight. */
function ready(sequence: Sequence): boolean {
  return sequence.inFlight === 0;
}
