// Keys and values in the plainest way, as a check that shares nothing with src/kv: every row has its own tensors, new ones are appended,
// and every row attends alone with a mask written out from the definition.
import * as mx from "../../src/mx/index.ts";
import type { Tensor } from "../../src/mx/index.ts";
import type { AttendOptions, Batch, LayerKv, LayerLayout } from "../../src/models/model.ts";

type Held = readonly [keys: Tensor, values: Tensor] | undefined;

class SimpleLayer implements LayerKv {
  rows: Held[] = [];

  constructor(private readonly window: number) {}

  attend(queries: Tensor, keys: Tensor, values: Tensor, _batch: Batch, options: AttendOptions): Tensor {
    const outputs = this.rows.map((held, i) => {
      const [q, k, v] = [queries, keys, values].map(t => mx.sliceAxis(t, 0, i, i + 1)) as [Tensor, Tensor, Tensor];
      const all = held === undefined ? ([k, v] as const) : ([mx.concatenate([held[0], k], 2), mx.concatenate([held[1], v], 2)] as const);
      this.hold(i, all);
      const mask = this.mask(mx.shape(k)[2]!, mx.shape(all[0])[2]!);
      if (options.softcap !== undefined) return capped(q, all, mask, options.scale, options.softcap);
      return mx.scaledDotProductAttention(q, all[0], all[1], options.scale, mask, options.sinks);
    });
    return mx.concatenate(outputs, 0);
  }

  hold(row: number, [keys, values]: readonly [Tensor, Tensor]): void {
    const old = this.rows[row];
    this.rows[row] = [mx.keep(mx.contiguous(keys)), mx.keep(mx.contiguous(values))];
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

  constructor(private readonly layout: readonly LayerLayout[]) {
    this.layers = layout.map(({ window }) => new SimpleLayer(window ?? Infinity));
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

  /** Appends rows of another kv, which is empty afterwards. */
  join(other: SimpleKv): void {
    this.lengths.push(...other.lengths);
    this.layers.forEach((layer, i) => layer.rows.push(...other.layers[i]!.rows));
    for (const layer of other.layers) layer.rows = [];
    other.lengths = [];
  }

  /** A new kv whose one row holds copies of the first `length` positions of the first row. */
  prefix(length: number): SimpleKv {
    const copy = new SimpleKv(this.layout);
    copy.addRow();
    copy.lengths = [length];
    this.layers.forEach((layer, i) => copy.layers[i]!.hold(0, layer.rows[0]!.map(t => mx.sliceAxis(t, 2, 0, length)) as [Tensor, Tensor]));
    return copy;
  }

  release(): void {
    for (const layer of this.layers) layer.release();
    this.lengths = [];
  }
}
