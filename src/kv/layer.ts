// Keys and values of one attention layer for all rows of a batch.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { AttendOptions, AttentionLayout, Batch } from "../models/model.ts";
import { attend, attendByProducts } from "./attend.ts";
import type { HeldLayer } from "./held.ts";
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
    const start = step.start(this.layout.window);
    this.held = [this.keys.held(step, start), this.values.held(step, start)];
    return this.look(queries, batch, options);
  }

  look(queries: Tensor, _batch: Batch, options: AttendOptions): Tensor {
    const { window, kvHeads } = this.layout;
    const [step, [keys, values]] = [this.step(), this.held!];
    if (step.byProducts && options.softcap === undefined && options.sinks === undefined) {
      const shape = [step.rows, kvHeads, mx.shape(queries)[1]! / kvHeads, mx.shape(keys)[2]!];
      return attendByProducts(queries, keys, values, step.bias(shape, mx.dtype(queries), window), options.scale);
    }
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
