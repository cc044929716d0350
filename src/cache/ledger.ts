// What memory is spent on, and what more there is room for. Pure arithmetic: the counters are handed in, tests compare them with MLX's.
//
//   0 │ weights │ kv and states of rows │ work of one step │ stored prefixes │ slabs' unused room │ allocator's cache │ free │ limit
//     │        cannot be given up while its rows run       │      given up first, from right to left                    │
//
// Rows are admitted when the left part has room for them and some growth. When it does not fit any more, caches shrink, then
// rows are preempted.

/** What rows cost, in bytes. Reading rows have buffers of their own, which become theirs while they draw or are joined to those of others. */
export type RowsCost = (reading: readonly number[], drawing: readonly number[]) => number;

export interface LedgerOptions {
  readonly limit: number; // bytes
  readonly maxBuffers: number; // Metal refuses more; Infinity elsewhere
  readonly weights: number; // bytes
  readonly rows: RowsCost;
  readonly chunk: number; // most ids read in a step
  readonly workPerId: number; // bytes that reading one id takes for a moment, until it is measured
  readonly workPerStep: number; // likewise drawing
}

/** What can be given up, as it is now. */
export interface Shrinkable {
  readonly slack: number; // what rows hold beyond what they need
  readonly prefixes: number;
  readonly allocator: number;
}

/** The parts of a sum, in bytes. */
export interface Sum {
  readonly weights: number;
  readonly kv: number;
  readonly work: number;
  readonly total: number;
}

const DECAY = 0.98; // of the measured work, so that one odd step is forgotten

export class Ledger {
  private workPerId: number;
  private measured = false;

  constructor(private readonly options: LedgerOptions) {
    this.workPerId = options.workPerId;
  }

  get limit(): number {
    return this.options.limit;
  }

  get weights(): number {
    return this.options.weights;
  }

  get maxBuffers(): number {
    return this.options.maxBuffers;
  }

  /** What all of it costs while rows of these lengths run. */
  sum(reading: readonly number[], drawing: readonly number[], workPerId = this.workPerId): Sum {
    const { weights, rows, chunk, workPerStep } = this.options;
    const kv = reading.length + drawing.length === 0 ? 0 : rows(reading, drawing);
    const ids = Math.min(
      chunk,
      reading.reduce((total, length) => total + length, 0),
    );
    const work = workPerStep + ids * workPerId;
    return { weights, kv, work, total: weights + kv + work };
  }

  /**
   * The least that a prompt takes when nothing else runs. What was measured last makes it no dearer: an engine that refused
   * prompts because of that would never measure again.
   */
  least(length: number): Sum {
    return this.sum([length], [], Math.min(this.options.workPerId, this.workPerId));
  }

  fits(reading: readonly number[], drawing: readonly number[]): boolean {
    return this.sum(reading, drawing).total <= this.options.limit;
  }

  /** Bytes that caches must give up for these rows; 0 when there is room. */
  excess(reading: readonly number[], drawing: readonly number[], held: Shrinkable): number {
    return Math.max(0, this.sum(reading, drawing).total + held.slack + held.prefixes + held.allocator - this.options.limit);
  }

  /** The longest sequence that can run when nothing else does, of at most `length` ids. */
  longest(length: number): number {
    let [fits, tooLong] = [0, length + 1];
    while (tooLong - fits > 1) {
      const middle = Math.floor((fits + tooLong) / 2);
      if (this.fits([middle], [])) fits = middle;
      else tooLong = middle;
    }
    return fits;
  }

  /**
   * Takes note of what a step took at its highest beyond what it left: `ids` were read in it. A step that reads less than half
   * a chunk says little about reading: what rows take that join, grow or are stored would be multiplied.
   */
  observe(ids: number, bytes: number): void {
    if (2 * ids < this.options.chunk) return;
    const seen = Math.max(0, bytes - this.options.workPerStep) / ids;
    this.workPerId = this.measured ? Math.max(seen, this.workPerId * DECAY) : seen;
    this.measured = true;
  }
}

/** A sum in words, for those who are refused. */
export function explain({ weights, kv, work, total }: Sum): string {
  return `${size(total)} (weights ${size(weights)}, keys and values ${size(kv)}, work ${size(work)})`;
}

export function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1000)} kB`;
}
