// Keys and values of one attention layer for all rows of a batch: one slab each, [slots, kvHeads, capacity, headDim].
//
//   slot  0 │ row 0's tokens 0 … length₀ │ unused …………………│   Rows are the first slots; every row starts at position 0.
//         1 │ row 1's tokens 0 … length₁ ………│ unused ………│   What lies behind a row's length is masked, so it never
//         2 │ free                                        │   reaches a number of another row, or of this one.
//
// The slabs are kept handles. A write replaces the handle and releases the old one first, so that MLX can write in place.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { AttendOptions, AttentionLayout, Batch } from "../models/model.ts";
import { attend } from "./attend.ts";
import type { HeldLayer } from "./held.ts";
import type { Step } from "./step.ts";

/** Capacity grows in multiples of this many positions. */
export const CAPACITY_STEP = 256;

export class LayerSlab implements HeldLayer {
  private keys: Tensor | undefined;
  private values: Tensor | undefined;
  private slots = 0;
  private capacity = 0;

  constructor(
    private readonly layout: AttentionLayout,
    private readonly step: () => Step,
  ) {}

  attend(queries: Tensor, keys: Tensor, values: Tensor, _batch: Batch, options: AttendOptions): Tensor {
    const step = this.step();
    this.reserve(step.rows, step.longest, mx.dtype(keys));
    this.keys = this.write(this.keys!, keys, step);
    this.values = this.write(this.values!, values, step);
    const heldKeys = this.held(this.keys, step);
    const heldValues = this.held(this.values, step);
    return attend(queries, heldKeys, heldValues, step.mask(this.layout.window), options);
  }

  carry(): never {
    throw new TypeError("a layer of keys and values carries no states");
  }

  /** Makes room for `slots` rows of `length` positions; what is held stays. */
  reserve(slots: number, length: number, dtype: mx.Dtype): void {
    if (slots <= this.slots && length <= this.capacity) return;
    const grownSlots = slots <= this.slots ? this.slots : Math.max(slots, this.slots * 2);
    const capacity = Math.max(this.capacity, Math.ceil(length / CAPACITY_STEP) * CAPACITY_STEP);
    this.keys = this.grown(this.keys, grownSlots, capacity, this.layout.headDim, dtype);
    this.values = this.grown(this.values, grownSlots, capacity, this.layout.valueDim ?? this.layout.headDim, dtype);
    this.slots = grownSlots;
    this.capacity = capacity;
  }

  /** Copies of a row's keys and values, [1, kvHeads, length, headDim]: independent of the slab once evaluated. */
  copyRow(row: number, length: number): [keys: Tensor, values: Tensor] {
    const [keys, values] = this.part(row, 0, length);
    return [mx.contiguous(keys), mx.contiguous(values)];
  }

  /** The keys and values of a row's positions [from, to), [1, kvHeads, to - from, headDim]; views of the slab. */
  part(row: number, from: number, to: number): [keys: Tensor, values: Tensor] {
    return [mx.sliceAxis(rowOf(this.keys!, row, to), 2, from, to), mx.sliceAxis(rowOf(this.values!, row, to), 2, from, to)];
  }

  /** Writes keys and values [1, kvHeads, length - from, headDim] into the positions [from, length) of `slot`. */
  putRow(slot: number, parts: readonly Tensor[], length: number, from = 0): void {
    const [keys, values] = parts as [Tensor, Tensor];
    this.reserve(slot + 1, length, mx.dtype(keys));
    this.keys = replaced(this.keys!, old => putRow(old, slot, keys, from));
    this.values = replaced(this.values!, old => putRow(old, slot, values, from));
  }

  /** What lies behind the rows is never looked at. */
  dropRow(): void {}

  adopt(other: HeldLayer): void {
    if (!(other instanceof LayerSlab)) throw new TypeError("a layer of keys and values takes over none of another kind");
    this.release();
    [this.keys, this.values, this.slots, this.capacity] = [other.keys, other.values, other.slots, other.capacity];
    [other.keys, other.values, other.slots, other.capacity] = [undefined, undefined, 0, 0];
  }

  /** The buffers, for evaluation; none before the first write. */
  tensors(): Tensor[] {
    return this.keys === undefined ? [] : [this.keys, this.values!];
  }

  get bytes(): number {
    return this.tensors().reduce((sum, t) => sum + mx.byteSize(t), 0);
  }

  release(): void {
    for (const t of this.tensors()) mx.release(t);
    [this.keys, this.values, this.slots, this.capacity] = [undefined, undefined, 0, 0];
  }

  private grown(old: Tensor | undefined, slots: number, capacity: number, headDim: number, dtype: mx.Dtype): Tensor {
    const empty = mx.zeros([slots, this.layout.kvHeads, capacity, headDim], dtype);
    if (old === undefined) return mx.keep(empty);
    return replaced(old, held => mx.sliceUpdate(empty, held, [0, 0, 0, 0], mx.shape(held)));
  }

  private write(slab: Tensor, update: Tensor, step: Step): Tensor {
    return replaced(slab, old => {
      if (step.offset === undefined) return mx.scatter(old, [step.slots, step.offsets], mx.expandDims(update, 1), [0, 2]);
      const width = mx.shape(update)[3]!;
      const start = [0, 0, step.offset, 0];
      return mx.sliceUpdate(old, update, start, [step.rows, this.layout.kvHeads, step.offset + step.length, width]);
    });
  }

  private held(slab: Tensor, step: Step): Tensor {
    const width = mx.shape(slab)[3]!;
    return mx.slice(slab, [0, 0, 0, 0], [step.rows, this.layout.kvHeads, step.longest, width]);
  }
}

/** The successor of a kept tensor, kept in its place. */
function replaced(old: Tensor, next: (old: Tensor) => Tensor): Tensor {
  const made = mx.keep(next(old));
  mx.release(old);
  return made;
}

function rowOf(slab: Tensor, row: number, length: number): Tensor {
  const [, heads, , width] = mx.shape(slab) as [number, number, number, number];
  return mx.slice(slab, [row, 0, 0, 0], [row + 1, heads, length, width]);
}

function putRow(slab: Tensor, slot: number, update: Tensor, from = 0): Tensor {
  const [, heads, length, width] = mx.shape(update) as [number, number, number, number];
  return mx.sliceUpdate(slab, update, [slot, 0, from, 0], [slot + 1, heads, from + length, width]);
}
