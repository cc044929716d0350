// One growing tensor with numbers of every position of every row of a batch, [slots, heads, capacity, width].
//
//   slot  0 │ row 0's tokens 0 … length₀ │ unused …………………│   Rows are the first slots; every row starts at position 0.
//         1 │ row 1's tokens 0 … length₁ ………│ unused ………│   What lies behind a row's length is masked, so it never
//         2 │ free                                        │   reaches a number of another row, or of this one.
//
// The tensor is a kept handle. A write replaces the handle and releases the old one first, so that MLX can write in place.
import * as mx from "../mx/index.ts";
import type { Dtype, Tensor } from "../mx/index.ts";
import { slotsFor } from "./band-sizes.ts";

/** Capacity grows in multiples of this many positions. */
export const CAPACITY_STEP = 256;

export function capacityFor(length: number): number {
  return Math.ceil(length / CAPACITY_STEP) * CAPACITY_STEP;
}

/** Where the new numbers of one forward pass go: at one position in all rows, or, one for each row, at a position of its own. */
export type Place = { readonly at: number } | { readonly slots: Tensor; readonly positions: Tensor };

/** What a position of a row holds: keys, or values. */
export interface Cell {
  readonly heads: number;
  readonly width: number;
  readonly dtype: Dtype;
}

/** Of numbers [.., heads, .., width]. */
export function cellOf(numbers: Tensor): Cell {
  const [, heads, , width] = mx.shape(numbers) as [number, number, number, number];
  return { heads, width, dtype: mx.dtype(numbers) };
}

export class Slab {
  private tensor: Tensor | undefined;
  private slots = 0;
  private capacity = 0;

  /** Makes room for `slots` rows of `length` positions, of numbers such as `like` [.., heads, .., width] has or of a cell that is asked for; what is held stays. */
  reserve(slots: number, length: number, like: Tensor | (() => Cell)): void {
    if (slots <= this.slots && length <= this.capacity) return;
    const cell = typeof like === "function" ? like() : cellOf(like);
    this.resize(slots <= this.slots ? this.slots : slotsFor(slots), Math.max(this.capacity, capacityFor(length)), cell);
  }

  /** Gives back what it has more than `slack` times the room for `rows` rows of `length` positions. */
  fit(rows: number, length: number, slack: number): void {
    const [slots, capacity] = [Math.min(this.slots, slotsFor(rows)), Math.min(this.capacity, capacityFor(length))];
    if (this.tensor === undefined || this.slots * this.capacity <= slots * capacity * slack) return;
    if (slots * capacity === 0) this.release();
    else this.resize(slots, capacity, cellOf(this.tensor));
  }

  /** Writes update [rows, heads, L, width]; there is room for it. */
  write(update: Tensor, place: Place): void {
    if ("at" in place) return this.put(0, update, place.at);
    this.hold(mx.scatter(this.tensor!, [place.slots, place.positions], mx.expandDims(update, 1), [0, 2]));
  }

  /** Writes update [rows, heads, length, width] into the positions from `from` on of the slots from `slot` on; there is room for it. */
  put(slot: number, update: Tensor, from: number): void {
    const [rows, heads, length, width] = mx.shape(update) as [number, number, number, number];
    this.hold(mx.sliceUpdate(this.tensor!, update, [slot, 0, from, 0], [slot + rows, heads, from + length, width]));
  }

  /** The positions [from, to) of the slots [slot, slot + rows); a view. */
  view(slot: number, rows: number, from: number, to: number): Tensor {
    const [, heads, , width] = mx.shape(this.tensor!) as [number, number, number, number];
    return mx.slice(this.tensor!, [slot, 0, from, 0], [slot + rows, heads, to, width]);
  }

  /** Takes over another slab's buffer, which is empty afterwards. */
  adopt(other: Slab): void {
    this.release();
    [this.tensor, this.slots, this.capacity] = [other.tensor, other.slots, other.capacity];
    [other.tensor, other.slots, other.capacity] = [undefined, 0, 0];
  }

  /** The buffer, for evaluation; none before the first write. */
  get tensors(): Tensor[] {
    return this.tensor === undefined ? [] : [this.tensor];
  }

  release(): void {
    if (this.tensor !== undefined) mx.release(this.tensor);
    [this.tensor, this.slots, this.capacity] = [undefined, 0, 0];
  }

  private resize(slots: number, capacity: number, { heads, width, dtype }: Cell): void {
    const empty = mx.zeros([slots, heads, capacity, width], dtype);
    const staying = this.tensor && this.view(0, Math.min(slots, this.slots), 0, Math.min(capacity, this.capacity));
    this.hold(staying === undefined ? empty : mx.sliceUpdate(empty, staying, [0, 0, 0, 0], mx.shape(staying)));
    [this.slots, this.capacity] = [slots, capacity];
  }

  /** Takes `next` for the buffer as it is after a write from outside. */
  hold(next: Tensor): void {
    mx.keep(next);
    if (this.tensor !== undefined) mx.release(this.tensor);
    this.tensor = next;
  }
}
