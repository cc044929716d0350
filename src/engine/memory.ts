// Keeps an engine within its memory: who may start, what gives way when rows grow, what is given back when nothing runs.
// Decides with the ledger's sums; the runner and the device carry it out.
import { explain, size, type Ledger } from "../cache/ledger.ts";
import { idsRead, type Plan, type Scheduler } from "../scheduler/scheduler.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import type { MemoryStats } from "./protocol.ts";

export interface DeviceCounters {
  readonly liveHandles: number;
  readonly activeBytes: number;
  readonly peakBytes: number;
  readonly cacheBytes: number;
}

/** What memory is taken from. */
export interface Holder {
  /** Bytes that rows hold now as keys and values, and as states; and that stored prefixes hold. */
  readonly kvBytes: number;
  readonly stateBytes: number;
  readonly prefixBytes: number;
  /** Drops stored prefixes of about so many bytes, the least useful first. */
  shrinkPrefixes(bytes: number): void;
  /** Gives back what rows hold beyond what they need. */
  tighten(): void;
}

export interface MemoryDevice {
  counters(): DeviceCounters;
  clearCache(): void;
  resetPeak(): void;
}

/** Ids by which every row may grow before memory is looked at again when somebody is admitted. */
const HEADROOM = 256;

export class Memory {
  /** The highest use so far; the device's own counter starts anew with each step that is measured. */
  peakBytes: number;

  constructor(
    readonly ledger: Ledger,
    private readonly holder: Holder,
    private readonly device: MemoryDevice,
    private readonly headroom = HEADROOM,
  ) {
    this.peakBytes = device.counters().peakBytes;
    device.resetPeak(); // what loading took says nothing about steps
  }

  /** Why a prompt of that length can never run here; undefined when it can. */
  refusal(length: number): string | undefined {
    const least = this.ledger.least(length);
    if (least.total <= this.ledger.limit) return undefined;
    return `the prompt of ${length} tokens needs ${explain(least)}, and ${size(this.ledger.limit)} may be used`;
  }

  /** Whether a waiting sequence has room beside those that run, with some growth for all. */
  hasRoom(sequence: Sequence, running: readonly Sequence[]): boolean {
    return this.ledger.fits(...lengthsOf([...running, sequence], this.headroom));
  }

  /** Before a step: caches give way to rows; rows that still do not fit are preempted, down to one. */
  makeRoom(scheduler: Scheduler): void {
    let lengths = lengthsOf(scheduler.admitted(), 1);
    while (!this.ledger.fits(...lengths) && scheduler.runningCount > 1) {
      const last = scheduler.lastToRun();
      if (last === undefined) break;
      scheduler.preempt(last);
      lengths = lengthsOf(scheduler.admitted(), 1);
    }
    const { cacheBytes, liveHandles } = this.device.counters();
    const slack = Math.max(0, this.holder.kvBytes + this.holder.stateBytes - this.ledger.sum(...lengths).kv);
    let excess = this.ledger.excess(...lengths, { slack, prefixes: this.holder.prefixBytes, allocator: cacheBytes });
    if (excess > 0 && cacheBytes > 0) {
      this.device.clearCache();
      excess -= cacheBytes;
    }
    if (excess > 0 && slack > 0) {
      this.holder.tighten();
      excess -= slack;
    }
    if (excess > 0) this.holder.shrinkPrefixes(excess);
    if (liveHandles > this.ledger.maxBuffers) this.holder.shrinkPrefixes(this.holder.prefixBytes / 2);
  }

  /** After a step that read `plan`: measures what it took beyond what is held. */
  measure(plan: Plan): void {
    const ids = idsRead(plan);
    const { peakBytes } = this.device.counters();
    this.peakBytes = Math.max(this.peakBytes, peakBytes);
    const held = this.ledger.weights + this.holder.kvBytes + this.holder.stateBytes + this.holder.prefixBytes;
    this.ledger.observe(ids, peakBytes - held);
    this.device.resetPeak();
  }

  /** All that can be given up. */
  giveBack(): void {
    this.holder.shrinkPrefixes(this.holder.prefixBytes);
    this.device.clearCache();
  }

  /** When nothing has run for a while: what the allocator holds for reuse goes back to the system. */
  idle(): void {
    this.device.clearCache();
  }

  stats(scheduler: Scheduler): MemoryStats {
    const { weights, kv, work } = this.ledger.sum(...lengthsOf(scheduler.admitted(), 0));
    const { cacheBytes, liveHandles, activeBytes } = this.device.counters();
    return {
      limit: this.ledger.limit,
      weights,
      kv: this.holder.kvBytes,
      recurrent: this.holder.stateBytes,
      kvReserved: kv,
      work,
      prefixes: this.holder.prefixBytes,
      allocator: cacheBytes,
      active: activeBytes,
      buffers: liveHandles,
      maxBuffers: Number.isFinite(this.ledger.maxBuffers) ? this.ledger.maxBuffers : undefined,
    };
  }
}

/**
 * What rows will hold: those that read have their whole source to hold, those that draw what they drew; each with `growth`, as
 * far as it may grow. A row still has buffers of its own until the step behind its first draw.
 */
function lengthsOf(sequences: readonly Sequence[], growth: number): [reading: number[], drawing: number[]] {
  const held = ({ request, source, answer, inFlight, promptRead }: Sequence): number =>
    promptRead ? request.prompt.length + answer.length + inFlight : source.length;
  const length = (one: Sequence): number => Math.min(held(one) + growth, one.request.prompt.length + one.limit);
  const settled = (one: Sequence): boolean => held(one) > one.source.length + 1;
  const [reading, drawing] = [sequences.filter(one => !settled(one)), sequences.filter(settled)];
  return [reading.map(length), drawing.map(length)];
}
