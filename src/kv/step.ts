// What all layers share in one forward pass: where the new tokens go and what each row may look at.
import * as mx from "../mx/index.ts";
import type { Backend, Tensor } from "../mx/index.ts";
import type { Batch } from "../models/model.ts";
import { spanOf } from "./span.ts";

/** Where masks are needed anyway, windows begin at multiples of this, so that few forms of steps come about. */
const WINDOW_STEP = 256;

/**
 * One pass over rows that hold `lengths[i]` tokens and bring `length` new ones each.
 * Its tensors live in the scope that was open when it was made.
 */
export class Step implements Batch {
  readonly rows: number;
  readonly offsets: Tensor; // [B] int32: also the position of each row's one new token, where rows of different lengths go together
  readonly longest: number; // positions held by the longest row after this step
  readonly offset: number | undefined; // common to all rows; undefined when they differ
  readonly span: number; // where what attention looks over ends: `longest`, or behind it
  private readonly shortest: number; // positions held by the shortest row before it
  private readonly unmasked: boolean; // each row may see all that attention looks over
  private readonly masks = new Map<number, Tensor | "causal" | undefined>();
  private slotIndices: Tensor | undefined;

  constructor(
    readonly lengths: readonly number[],
    readonly length: number,
    backend: Backend,
  ) {
    this.rows = lengths.length;
    this.offsets = mx.fromArray(Int32Array.from(lengths), [lengths.length]);
    this.longest = Math.max(...lengths) + length;
    this.offset = lengths.every(n => n === lengths[0]) ? lengths[0] : undefined;
    this.shortest = Math.min(...lengths);
    this.unmasked = length === 1 && this.offset !== undefined && backend !== "cuda";
    this.span = length === 1 ? spanOf(this.longest, backend) : this.longest;
  }

  /** Slot of each row, [B] int32. */
  get slots(): Tensor {
    return (this.slotIndices ??= mx.arange(0, this.rows, 1, "int32"));
  }

  /** The position where what attention looks over begins: through a window nobody sees what lies before. */
  start(window = Infinity): number {
    const first = Math.max(0, this.shortest + 1 - window);
    return this.unmasked ? first : first - (first % WINDOW_STEP);
  }

  /** What attention may see of the positions from `start` to `span`, as scaledDotProductAttention takes it; made once for all layers of the same window. */
  mask(window?: number): Tensor | "causal" | undefined {
    const key = window === undefined || window >= this.span ? Infinity : window;
    if (!this.masks.has(key)) this.masks.set(key, this.makeMask(key));
    return this.masks.get(key);
  }

  private makeMask(window: number): Tensor | "causal" | undefined {
    if (this.unmasked) return undefined;
    if (this.offset !== undefined && window === Infinity && this.length > 1) return "causal";
    const key = mx.arange(this.start(window), this.span, 1, "int32"); // [K]
    const own = mx.expandDims(this.offsets, [1, 2, 3]); // [B, 1, 1, 1]
    const query = mx.add(own, mx.reshape(mx.arange(0, this.length, 1, "int32"), [1, 1, this.length, 1])); // [B, 1, L, 1]
    const past = mx.lessEqual(key, query);
    if (window === Infinity) return past;
    return mx.logicalAnd(past, mx.greater(key, mx.subtract(query, mx.scalar(window, "int32"))));
  }
}
