// What a group of rows holds, keys and values or states, over all layers of a model.
// A prompt is read into a group of its own with one row, which then joins the group that decodes.
import * as mx from "../mx/index.ts";
import type { Batch, LayerLayout } from "../models/model.ts";
import type { HeldLayer } from "./held.ts";
import { LayerSlab } from "./layer.ts";
import { isRecurrent, RecurrentRows } from "./recurrent.ts";
import { spanOf } from "./span.ts";
import { Step } from "./step.ts";

export class KvRows {
  readonly layers: readonly HeldLayer[];
  readonly seam: number; // positions before this one are kept in other parts than those from it on
  private held: number[] = [];
  private step: Step | undefined;

  constructor(
    private readonly layout: readonly LayerLayout[],
    private readonly backend = mx.backend(),
  ) {
    const step = () => this.step!;
    this.seam = layout.flatMap(one => (isRecurrent(one) ? [] : (one.quantized?.from ?? 0)))[0] ?? 0;
    this.layers = layout.map(one => (isRecurrent(one) ? new RecurrentRows(one, step) : new LayerSlab(one, step)));
  }

  get rows(): number {
    return this.held.length;
  }

  /** Tokens that each row holds. */
  get lengths(): readonly number[] {
    return this.held;
  }

  /** A new empty row behind the others; returns its index. */
  addRow(): number {
    return this.held.push(0) - 1;
  }

  /**
   * Opens a forward pass with `length` new tokens per row; the layers' `attend` belongs to it until the next call.
   * More than one new token needs rows of equal length. Call inside the scope that runs the model.
   */
  begin(length: number): Batch {
    const step = new Step(this.held, length, this.backend);
    if (length > 1 && step.offset === undefined) throw new RangeError("rows of different lengths advance one token at a time");
    this.step = step;
    this.held = this.held.map(n => n + length);
    return step;
  }

  /** Moves the rows of `other` behind the rows of this group; `other` is empty and released afterwards. */
  join(other: KvRows): void {
    if (this.rows === 0) this.layers.forEach((layer, i) => layer.adopt(other.layers[i]!));
    else other.held.forEach((_, row) => this.take(other, row));
    if (this.rows === 0) this.held = [...other.held];
    other.release();
  }

  /** Copies a row of `other` behind the rows of this group. */
  take(other: KvRows, row: number): void {
    const [slot, length] = [this.addRow(), other.held[row]!];
    if (length > 0) this.layers.forEach((layer, i) => layer.putRow(slot, other.layers[i]!.part(row, 0, length), length));
    this.held[slot] = length;
  }

  /** Moves a row into a group of its own. */
  extract(row: number): KvRows {
    const [own, length] = [new KvRows(this.layout, this.backend), this.held[row]!];
    const copies = this.layers.map(layer => layer.copyRow(row, length));
    mx.evaluate(...copies.flat()); // so that the slabs have no reader left
    own.layers.forEach((layer, i) => layer.putRow(0, copies[i]!, length));
    own.held = [length];
    this.remove(new Set([row]));
    return own;
  }

  /** Forgets what each row holds behind its length, which is only possible where no layer carries states. */
  trim(lengths: readonly number[]): void {
    this.held = this.held.map((held, row) => Math.min(held, lengths[row]!));
  }

  /** The parts of all layers that a row's positions [from, to) are kept in; views, [1, heads, to - from, width]. States have no positions. */
  part(row: number, from: number, to: number): mx.Tensor[][] {
    return this.layers.map(layer => (layer instanceof RecurrentRows ? [] : layer.part(row, from, to)));
  }

  /** The states that sum up a row's tokens, of all layers that carry some; views, [1, …]. */
  states(row: number): mx.Tensor[] {
    return this.layers.flatMap(layer => (layer instanceof RecurrentRows ? layer.part(row) : []));
  }

  /** Gives the only row the positions from its length up to `length`: per layer the parts [1, heads, …, width]. */
  append(layers: readonly (readonly mx.Tensor[])[], length: number): void {
    this.layers.forEach((layer, i) => layer.putRow(0, layers[i]!, length, this.held[0]!));
    this.held[0] = length;
  }

  /** Gives the only row the states that sum up all of its tokens, in the order of `states`. */
  resume(states: readonly mx.Tensor[]): void {
    const rest = [...states];
    for (const layer of this.layers) if (layer instanceof RecurrentRows) layer.putRow(0, rest.splice(0, layer.count));
  }

  /** Drops rows; the last ones that stay move into the gaps. Returns which row each row was before. With no row left all memory is given back. */
  remove(leaving: ReadonlySet<number>): number[] {
    const staying = this.held.flatMap((_, row) => (leaving.has(row) ? [] : [row]));
    const movers = staying.filter(row => row >= staying.length);
    const order = staying.map((_, place) => (leaving.has(place) ? movers.shift()! : place));
    const moves = order.flatMap((row, place) => (row === place ? [] : [{ row, place, length: this.held[row]! }]));
    const copies = moves.map(({ row, length }) => this.layers.map(layer => layer.copyRow(row, length)));
    if (moves.length > 0) mx.evaluate(...copies.flat(2)); // so that the slabs have no reader left and the writes happen in place
    moves.forEach(({ place, length }, i) => this.layers.forEach((layer, l) => layer.putRow(place, copies[i]![l]!, length)));
    for (let row = this.rows - 1; row >= staying.length; row--) for (const layer of this.layers) layer.dropRow(row);
    this.held = order.map(row => this.held[row]!);
    if (this.rows === 0) this.release();
    return order;
  }

  /** Gives back what the slabs have more than `slack` times the room that the rows need. */
  fit(slack: number): void {
    const span = this.rows === 0 ? 0 : spanOf(Math.max(...this.held) + 1, this.backend);
    for (const layer of this.layers) layer.fit(this.rows, span, slack);
  }

  /** A tensor that is evaluated only when what the last layer holds is written, and then holds on to none of it. */
  fence(): mx.Tensor {
    const [held] = this.layers.findLast(layer => layer.tensors().length > 0)!.tensors() as [mx.Tensor];
    const ones = mx.shape(held).map(() => 1);
    const zeros = ones.map(() => 0);
    return mx.add(mx.slice(held, zeros, ones), mx.scalar(0, mx.dtype(held)));
  }

  /** Of keys and values. */
  get bytes(): number {
    return this.layers.reduce((sum, layer) => sum + (layer instanceof RecurrentRows ? 0 : layer.bytes), 0);
  }

  get stateBytes(): number {
    return this.layers.reduce((sum, layer) => sum + (layer instanceof RecurrentRows ? layer.bytes : 0), 0);
  }

  release(): void {
    for (const layer of this.layers) layer.release();
    this.held = [];
    this.step = undefined;
  }
}
