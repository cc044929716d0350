// Keys and values of one attention layer for all rows of a batch.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { AttendOptions, AttentionLayout, Batch, JoinedHeads } from "../models/model.ts";
import { attend } from "./attend.ts";
import type { HeldLayer } from "./held.ts";
import { attendByKernels, kernelsTake } from "./kernels.ts";
import type { Cell } from "./slab.ts";
import type { Step } from "./step.ts";
import { PlainStrip, QuantizedStrip, type Strip } from "./strip.ts";

export class LayerSlab implements HeldLayer {
  private readonly keys: Strip;
  private readonly values: Strip;
  private held: readonly [Tensor, Tensor] | undefined; // what this pass attends to; of its scope

  constructor(
    private readonly layout: AttentionLayout,
    private readonly step: () => Step,
  ) {
    const { quantized } = layout;
    const strip = (): Strip => (quantized === undefined ? new PlainStrip() : new QuantizedStrip(quantized));
    [this.keys, this.values] = [strip(), strip()];
  }

  attend(queries: Tensor, keys: Tensor, values: Tensor, batch: Batch, options: AttendOptions): Tensor {
    const step = this.step();
    this.keys.write(keys, step);
    this.values.write(values, step);
    this.hold(this.isForKernels(queries, options) ? 0 : step.start(this.layout.window));
    return this.look(queries, batch, options);
  }

  attendJoined(projected: Tensor, batch: Batch, joined: JoinedHeads): Tensor | undefined {
    const { keys, values, layout } = this;
    const dtype = mx.dtype(projected);
    if (joined.gains !== undefined && mx.dtype(joined.gains) !== dtype) return undefined;
    if (!(keys instanceof PlainStrip && values instanceof PlainStrip) || !kernelsTake(layout, joined.heads, dtype, joined)) return undefined;
    const step = this.step();
    const cell = (): Cell => ({ heads: layout.kvHeads, width: layout.headDim, dtype });
    const placed = mx.placeHeads(projected, joined, step.offsets, keys.room(step, cell), values.room(step, cell), joined.heads);
    keys.wrote(placed[1]);
    values.wrote(placed[2]);
    const [k, v] = this.hold(0);
    const found = attendByKernels(placed[0], k, v, step, joined.scale, layout.window);
    return mx.reshape(found, [batch.rows, batch.length, joined.heads * layout.headDim]);
  }

  private isForKernels(queries: Tensor, options: AttendOptions): boolean {
    return mx.ownKernels() && kernelsTake(this.layout, mx.shape(queries)[1]!, mx.dtype(queries), options);
  }

  private hold(start: number): readonly [Tensor, Tensor] {
    const step = this.step();
    return (this.held = [this.keys.held(step, start), this.values.held(step, start)]);
  }

  look(queries: Tensor, _batch: Batch, options: AttendOptions): Tensor {
    const { window } = this.layout;
    const [step, [keys, values]] = [this.step(), this.held!];
    if (this.isForKernels(queries, options)) return mx.transpose(attendByKernels(queries, keys, values, step, options.scale, window), [0, 2, 1, 3]);
    return attend(queries, keys, values, step.mask(window), options);
  }

  carry(): never {
    throw new TypeError("a layer of keys and values carries no states");
  }

  copyRow(row: number, length: number): Tensor[] {
    return this.part(row, 0, length).map(mx.contiguous);
  }

  /** First what keys, then what values are kept in, [1, kvHeads, to - from, …] each. */
  part(row: number, from: number, to: number): Tensor[] {
    return [...this.keys.part(row, from, to), ...this.values.part(row, from, to)];
  }

  putRow(slot: number, parts: readonly Tensor[], length: number, from = 0): void {
    const count = this.keys.partCount(from, length);
    this.keys.put(slot, parts.slice(0, count), from, length);
    this.values.put(slot, parts.slice(count), from, length);
  }

  /** What lies behind the rows is never looked at. */
  dropRow(): void {}

  adopt(other: HeldLayer): void {
    if (!(other instanceof LayerSlab)) throw new TypeError("a layer of keys and values takes over none of another kind");
    this.keys.adopt(other.keys);
    this.values.adopt(other.values);
  }

  fit(rows: number, length: number, slack: number): void {
    this.keys.fit(rows, length, slack);
    this.values.fit(rows, length, slack);
  }

  tensors(): Tensor[] {
    return [...this.keys.tensors, ...this.values.tensors];
  }

  get bytes(): number {
    return this.tensors().reduce((sum, t) => sum + mx.byteSize(t), 0);
  }

  release(): void {
    this.keys.release();
    this.values.release();
  }
}
