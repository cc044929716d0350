// Decides what the next step does: which prompts are read on, by how many ids, and which sequences draw an id.
// Pure bookkeeping. The runner carries a plan out; the loop reports back what was drawn.
import type { Submit } from "../engine/protocol.ts";
import { Sequence } from "./sequence.ts";

export interface Limits {
  readonly maxRows: number; // sequences that draw together
  readonly maxQueue: number; // sequences that wait
  readonly prefillChunk: number; // prompt ids read in one step, over all sequences
  readonly contextLength: number;
}

/** A part of a prompt, [from, to). */
export interface Chunk {
  readonly sequence: Sequence;
  readonly from: number;
  readonly to: number;
}

export interface Plan {
  readonly chunks: readonly Chunk[];
  readonly decode: readonly Sequence[]; // each draws one id from what its prompt and answer hold
}

export class Scheduler {
  private readonly waiting: Sequence[] = [];
  private readonly running: Sequence[] = []; // admitted: reading their prompt or drawing
  private readonly byId = new Map<number, Sequence>();

  /** `onAdmit` is called when a sequence leaves the queue; it returns how many ids of the prompt need not be read. */
  constructor(
    private readonly limits: Limits,
    private readonly onAdmit: (sequence: Sequence) => number = () => 0,
  ) {}

  get runningCount(): number {
    return this.running.length;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  get idle(): boolean {
    return this.byId.size === 0;
  }

  /** Takes a sequence in at the end of the queue; undefined when the queue is full. */
  add(request: Submit): Sequence | undefined {
    const places = this.limits.maxQueue + Math.max(0, this.limits.maxRows - this.running.length);
    if (this.waiting.length >= places) return undefined;
    const sequence = new Sequence(request, this.limits.contextLength);
    this.waiting.push(sequence);
    this.byId.set(sequence.id, sequence);
    return sequence;
  }

  /** Marks a sequence as aborted and returns it; undefined when it is not known (any more). */
  abort(id: number): Sequence | undefined {
    const sequence = this.byId.get(id);
    if (sequence !== undefined) sequence.finish = "abort";
    return sequence;
  }

  /**
   * The next step. Every admitted sequence whose prompt was read draws one id; what the chunk allows of the others' prompts
   * is read, oldest first. Counts what it plans as done: `read` advances and drawn ids are in flight.
   */
  schedule(): Plan {
    while (this.waiting.length > 0 && this.running.length < this.limits.maxRows) this.admit(this.waiting.shift()!);
    const decode = this.running.filter(sequence => sequence.promptRead && sequence.wantsMore);
    const chunks: Chunk[] = [];
    let budget = this.limits.prefillChunk;
    for (const sequence of this.running) {
      if (budget === 0) break;
      if (sequence.promptRead || sequence.finish !== undefined) continue;
      const from = sequence.read;
      const to = Math.min(from + budget, sequence.request.prompt.length);
      chunks.push({ sequence, from, to });
      budget -= to - from;
      sequence.read = to;
      if (sequence.promptRead && sequence.wantsMore) sequence.inFlight += 1;
    }
    for (const sequence of decode) sequence.inFlight += 1;
    return { chunks, decode };
  }

  private admit(sequence: Sequence): void {
    this.running.push(sequence);
    sequence.cached = sequence.read = this.onAdmit(sequence);
  }

  /** Drops a sequence that finished, failed or was aborted. */
  remove(sequence: Sequence): void {
    this.byId.delete(sequence.id);
    for (const list of [this.waiting, this.running]) {
      const at = list.indexOf(sequence);
      if (at >= 0) list.splice(at, 1);
    }
  }

  /** Sequences that have left the queue and are not removed. */
  admitted(): Sequence[] {
    return [...this.running];
  }

  /** Throws when the lists contradict each other; tests call it after each step. */
  check(): void {
    const listed = [...this.running, ...this.waiting];
    if (new Set(listed).size !== listed.length || listed.length !== this.byId.size) throw new Error("a sequence is listed twice or lost");
    if (this.running.length > this.limits.maxRows) throw new Error("more rows than allowed");
    for (const sequence of listed) {
      if (this.byId.get(sequence.id) !== sequence) throw new Error(`sequence ${sequence.id} is not the one known by its id`);
      if (sequence.read > sequence.request.prompt.length) throw new Error(`sequence ${sequence.id} read past its prompt`);
      if (sequence.answer.length + sequence.inFlight > sequence.limit && sequence.finish === undefined)
        throw new Error(`sequence ${sequence.id} draws past its limit`);
    }
  }
}
