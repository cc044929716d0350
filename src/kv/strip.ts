// A layer's keys, or its values, for all rows of a batch: as they are, or quantized.
//
// Quantized means: from a fixed position on, every position is packed for itself, in groups along its width, when it is
// written, and nothing ever looks at what it was before. So a stored number depends on its token and position alone: not on
// the chunk that it was read in, the length that its row came to, or whether it was taken from stored prefixes. The
// positions before stay as they are, in every row, however long it gets.
import type { KvQuantization } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { Slab, type Cell, type Place } from "./slab.ts";
import type { Step } from "./step.ts";

export interface Strip {
  /** Writes a pass's new numbers, [rows, heads, L, width]. */
  write(update: Tensor, step: Step): void;
  /** What the rows hold from a position on after the pass, [rows, heads, span - start, width]. */
  held(step: Step, start: number): Tensor;
  /** How many tensors `part` gives for these positions. */
  partCount(from: number, to: number): number;
  /** The positions [from, to) of a row as they are stored, [1, heads, …, …] each; views. */
  part(row: number, from: number, to: number): Tensor[];
  /** Writes such parts into the positions [from, to) of `slot`. */
  put(slot: number, parts: readonly Tensor[], from: number, to: number): void;
  adopt(other: this): void;
  /** Gives back what it has more than `slack` times the room for `rows` rows of `length` positions. */
  fit(rows: number, length: number, slack: number): void;
  /** All buffers; the first is one that every pass over several positions writes. */
  readonly tensors: Tensor[];
  release(): void;
}

export class PlainStrip implements Strip {
  private readonly slab = new Slab();

  write(update: Tensor, step: Step): void {
    this.slab.reserve(step.rows, step.span, update);
    this.slab.write(update, placeOf(step));
  }

  /** The buffer, with room for a pass's new numbers, for who writes into it: `wrote` takes what it is then. */
  room(step: Step, cell: () => Cell): Tensor {
    this.slab.reserve(step.rows, step.span, cell);
    return this.slab.tensors[0]!;
  }

  wrote(buffer: Tensor): void {
    this.slab.hold(buffer);
  }

  held(step: Step, start: number): Tensor {
    return this.slab.view(0, step.rows, start, step.span);
  }

  partCount(): number {
    return 1;
  }

  part(row: number, from: number, to: number): Tensor[] {
    return [this.slab.view(row, 1, from, to)];
  }

  put(slot: number, [part]: readonly Tensor[], from: number, to: number): void {
    this.slab.reserve(slot + 1, to, part!);
    this.slab.put(slot, part!, from);
  }

  adopt(other: PlainStrip): void {
    this.slab.adopt(other.slab);
  }

  fit(rows: number, length: number, slack: number): void {
    this.slab.fit(rows, length, slack);
  }

  get tensors(): Tensor[] {
    return this.slab.tensors;
  }

  release(): void {
    this.slab.release();
  }
}

export class QuantizedStrip implements Strip {
  private readonly exact = new Slab(); // the positions before `from`
  private readonly packed = [new Slab(), new Slab(), new Slab()] as const; // numbers, scales and biases of those behind

  constructor(private readonly q: KvQuantization) {}

  write(update: Tensor, step: Step): void {
    const { from } = this.q;
    if (step.offset !== undefined) return this.writeAt(update, step, step.offset);
    const positions = step.offsets;
    if (Math.min(...step.lengths) < from) {
      // Rows that are beyond write where nothing is looked at: one position further than the last exact one.
      this.exact.reserve(step.rows, Math.min(step.span, from + 1), update);
      this.exact.write(update, { slots: step.slots, positions: mx.minimum(positions, mx.scalar(from, "int32")) });
    }
    if (step.span <= from) return;
    // Rows that are not there yet write the first position, which is masked until they write it again.
    const behind = mx.maximum(mx.subtract(positions, mx.scalar(from, "int32")), mx.scalar(0, "int32"));
    this.writePacked(update, step, { slots: step.slots, positions: behind });
  }

  /** All rows at the same position. */
  private writeAt(update: Tensor, step: Step, at: number): void {
    const { from } = this.q;
    const exact = Math.min(Math.max(from - at, 0), step.length);
    if (exact > 0) {
      this.exact.reserve(step.rows, Math.min(step.span, from), update);
      this.exact.write(mx.sliceAxis(update, 2, 0, exact), { at });
    }
    if (exact < step.length) this.writePacked(mx.sliceAxis(update, 2, exact, step.length), step, { at: Math.max(at - from, 0) });
    // A span that reaches further than the rows: what is written there is masked until it is written again.
    else if (step.span > from) this.writePacked(mx.sliceAxis(update, 2, exact - 1, exact), step, { at: 0 });
  }

  private writePacked(update: Tensor, step: Step, place: Place): void {
    const parts = mx.quantize(update, this.q);
    this.packed.forEach((slab, i) => {
      slab.reserve(step.rows, step.span - this.q.from, parts[i]!);
      slab.write(parts[i]!, place);
    });
  }

  held(step: Step, start: number): Tensor {
    const { from } = this.q;
    const exact = start >= from ? [] : [this.exact.view(0, step.rows, start, Math.min(step.span, from))];
    if (step.span <= from) return exact[0]!;
    const views = this.packed.map(slab => slab.view(0, step.rows, Math.max(start - from, 0), step.span - from));
    const [numbers, scales, biases] = views as [Tensor, Tensor, Tensor];
    const behind = mx.dequantize(numbers, scales, biases, this.q);
    return exact.length === 0 ? behind : mx.concatenate([...exact, behind], 2);
  }

  partCount(from: number, to: number): number {
    return (from < this.q.from ? 1 : 0) + (to > this.q.from ? this.packed.length : 0);
  }

  part(row: number, from: number, to: number): Tensor[] {
    const start = this.q.from;
    return [
      ...(from < start ? [this.exact.view(row, 1, from, Math.min(to, start))] : []),
      ...(to > start ? this.packed.map(slab => slab.view(row, 1, Math.max(from - start, 0), to - start)) : []),
    ];
  }

  put(slot: number, parts: readonly Tensor[], from: number, to: number): void {
    const start = this.q.from;
    const [exact, packed] = from < start ? [parts[0], parts.slice(1)] : [undefined, parts];
    if (exact !== undefined) {
      this.exact.reserve(slot + 1, Math.min(to, start), exact);
      this.exact.put(slot, exact, from);
    }
    packed.forEach((part, i) => {
      this.packed[i]!.reserve(slot + 1, to - start, part);
      this.packed[i]!.put(slot, part, Math.max(from - start, 0));
    });
  }

  adopt(other: QuantizedStrip): void {
    this.exact.adopt(other.exact);
    this.packed.forEach((slab, i) => slab.adopt(other.packed[i]!));
  }

  fit(rows: number, length: number, slack: number): void {
    const { from } = this.q;
    this.exact.fit(rows, Math.min(length, from + 1), slack);
    for (const slab of this.packed) slab.fit(rows, Math.max(0, length - from), slack);
  }

  get tensors(): Tensor[] {
    return [...this.packed, this.exact].flatMap(slab => slab.tensors);
  }

  release(): void {
    for (const slab of [...this.packed, this.exact]) slab.release();
  }
}

function placeOf(step: Step): Place {
  return step.offset === undefined ? { slots: step.slots, positions: step.offsets } : { at: step.offset };
}
