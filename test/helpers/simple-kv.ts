// Keys and values in the plainest way, as a check that shares nothing with src/kv: every row has its own tensors, new ones are appended,
// and every row attends alone with a mask written out from the definition. States are kept per row.
import * as mx from "../../src/mx/index.ts";
import type { Tensor } from "../../src/mx/index.ts";
import { isRecurrent } from "../../src/kv/recurrent.ts";
import type { Advance, AttendOptions, Batch, LayerKv, LayerLayout } from "../../src/models/model.ts";

type Held = readonly Tensor[] | undefined; // keys and values, or states

class SimpleLayer implements LayerKv {
  rows: Held[] = [];

  constructor(private readonly layout: LayerLayout) {}

  private get window(): number {
    return isRecurrent(this.layout) ? 0 : (this.layout.window ?? Infinity);
  }

  carry(input: Tensor, advance: Advance): Tensor {
    const layout = this.layout;
    if (!isRecurrent(layout)) throw new TypeError("not a recurrent layer");
    const empty = layout.states.map(({ shape, dtype }) => mx.zeros([1, ...shape], dtype ?? mx.dtype(input)));
    const rows = this.rows.map(held => held ?? empty);
    const { output, states } = advance(
      empty.map((_, i) =>
        mx.concatenate(
          rows.map(row => row[i]!),
          0,
        ),
      ),
    );
    rows.forEach((_, row) =>
      this.hold(
        row,
        states.map(state => mx.sliceAxis(state, 0, row, row + 1)),
      ),
    );
    return output;
  }

  attend(queries: Tensor, keys: Tensor, values: Tensor, batch: Batch, options: AttendOptions): Tensor {
    this.rows.forEach((held, i) => {
      const [k, v] = [keys, values].map(t => mx.sliceAxis(t, 0, i, i + 1)) as [Tensor, Tensor];
      this.hold(i, held === undefined ? [k, v] : [mx.concatenate([held[0]!, k], 2), mx.concatenate([held[1]!, v], 2)]);
    });
    return this.look(queries, batch, options);
  }

  look(queries: Tensor, _batch: Batch, options: AttendOptions): Tensor {
    const outputs = this.rows.map((held, i) => {
      const q = mx.sliceAxis(queries, 0, i, i + 1);
      const all = held as readonly [Tensor, Tensor];
      const mask = this.mask(mx.shape(q)[2]!, mx.shape(all[0])[2]!);
      if (options.softcap !== undefined) return capped(q, all, mask, options.scale, options.softcap);
      return mx.scaledDotProductAttention(q, all[0], all[1], options.scale, mask, options.sinks);
    });
    return mx.concatenate(outputs, 0);
  }

  hold(row: number, tensors: readonly Tensor[]): void {
    const old = this.rows[row];
    this.rows[row] = tensors.map(tensor => mx.keep(mx.contiguous(tensor)));
    if (old !== undefined) old.forEach(mx.release);
  }

  release(): void {
    for (const held of this.rows) held?.forEach(mx.release);
    this.rows = [];
  }

  /** Of the last `count` of `total` positions, [count, total]. */
  private mask(count: number, total: number): Tensor {
    const seen = Array.from({ length: count * total }, (_, i) => {
      const [query, key] = [total - count + Math.floor(i / total), i % total];
      return key <= query && query - key < this.window ? 1 : 0;
    });
    return mx.fromArray(Uint8Array.from(seen), [count, total], "bool");
  }
}

/** softmax(softcap · tanh(scale · q kᵀ / softcap)) v, one group of query heads at a time. */
function capped(q: Tensor, [keys, values]: readonly [Tensor, Tensor], mask: Tensor, scale: number, softcap: number): Tensor {
  const [kvHeads, group] = [mx.shape(keys)[1]!, mx.shape(q)[1]! / mx.shape(keys)[1]!];
  const outputs = Array.from({ length: kvHeads }, (_, head) => {
    const own = mx.multiply(mx.sliceAxis(q, 1, head * group, (head + 1) * group), mx.scalar(scale, mx.dtype(q)));
    const products = mx.matmul(own, mx.swapaxes(mx.sliceAxis(keys, 1, head, head + 1), 2, 3));
    const seen = mx.where(mask, mx.softcap(products, softcap), mx.scalar(-Infinity, mx.dtype(q)));
    return mx.matmul(mx.softmax(seen), mx.sliceAxis(values, 1, head, head + 1));
  });
  return mx.concatenate(outputs, 1);
}

export class SimpleKv {
  readonly layers: readonly SimpleLayer[];
  private lengths: number[] = [];

  constructor(layout: readonly LayerLayout[]) {
    this.layers = layout.map(one => new SimpleLayer(one));
  }

  addRow(): void {
    this.lengths.push(0);
    for (const layer of this.layers) layer.rows.push(undefined);
  }

  begin(length: number): Batch {
    const offsets = mx.fromArray(Int32Array.from(this.lengths), [this.lengths.length]);
    this.lengths = this.lengths.map(n => n + length);
    return { rows: this.lengths.length, length, offsets };
  }

  release(): void {
    for (const layer of this.layers) layer.release();
    this.lengths = [];
  }
}
