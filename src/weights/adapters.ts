// Low-rank adapters beside one model: what they add to each projection, for every row of a step the adapter that it chose.
//
// All adapters of a projection lie in two stacks, [adapters + 1, inputs, rank] and [adapters + 1, rank, outputs]; the first entry is
// zeros, for rows without one. Smaller ranks are filled up with zeros, and so is what an adapter leaves alone. The numbers of a row
// therefore depend on which adapters are loaded at most by exact zeros, and by factors of one where an adapter stretches (dora.ts).
import { join } from "node:path";
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Adapter, LowRank } from "./adapter.ts";
import { lengths, readPlain } from "./dora.ts";
import { CheckpointError, quoted } from "./error.ts";
import type { Linear, Owner } from "./matrix.ts";
import type { StoredTensor } from "./safetensors.ts";

/** A part of a product's outputs, under the full name of its projection. */
export interface Part {
  readonly path: string;
  readonly outputs: number;
}

interface Opened {
  readonly adapter: Adapter;
  readonly tensors: Map<string, Tensor>; // kept handles, until `finish`
  readonly unread: Set<string>;
}

export class Adapters {
  private readonly opened: Opened[] = [];
  private rows: Tensor | undefined; // while a step is made: [B] int32, the adapter of each row

  /** Opens the files of adapters whose headers were checked. */
  constructor(adapters: readonly Adapter[]) {
    try {
      for (const adapter of adapters)
        this.opened.push({ adapter, tensors: mx.loadSafetensors(join(adapter.folder, adapter.file)), unread: new Set(adapter.layers.keys()) });
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Makes a step whose rows go through these adapters, 0 being none; through none at all without them. */
  during<T>(rows: Tensor | undefined, make: () => T): T {
    this.rows = rows;
    try {
      return make();
    } finally {
      this.rows = undefined;
    }
  }

  /** The product of `parts`, one behind the other, with what the row's adapter adds. */
  beside(linear: Linear, inputs: number, parts: readonly Part[], owner: Owner): Linear {
    const layers = this.opened.map(opened => parts.map(part => this.take(opened, part, inputs)));
    const rank = Math.max(0, ...layers.map(found => found.reduce((sum, layer) => sum + (layer?.rank ?? 0), 0)));
    if (rank === 0) return linear;
    const outputs = parts.reduce((sum, part) => sum + part.outputs, 0);
    const [down, up] = [[mx.zeros([inputs, rank], "float32")], [mx.zeros([rank, outputs], "float32")]];
    layers.forEach((found, i) => {
      down.push(this.joinDown(this.opened[i]!, found, inputs, rank));
      up.push(this.joinUp(this.opened[i]!, found, parts, rank));
    });
    const stack = (tensors: readonly Tensor[]) => owner.constant(() => mx.stack(tensors, 0));
    const stretches = layers.flat().some(layer => layer?.magnitude !== undefined);
    if (!stretches) {
      const stacks = { down: stack(down), up: stack(up) };
      return x => this.changed(linear(x), y => mx.add(y, addition(x, y, stacks, this.rows!)));
    }
    const plain = readPlain(linear, inputs);
    const gains = down.map((_, i) => this.gain(i - 1, layers[i - 1] ?? [], parts, lengths(plain, down[i]!, up[i]!)));
    const stacks = { down: stack(down), up: stack(up.map((matrix, i) => mx.multiply(matrix, gains[i]!))) };
    const gain = stack(gains);
    const shift = stack(gains.map(gain => mx.multiply(mx.subtract(mx.scalar(1), gain), plain.bias)));
    return x => this.changed(linear(x), y => mx.add(stretched(y, gain, shift, this.rows!), addition(x, y, stacks, this.rows!)));
  }

  private changed(y: Tensor, change: (y: Tensor) => Tensor): Tensor {
    return this.rows === undefined ? y : change(y);
  }

  /** [outputs]: by how much adapter `i` stretches the weights of each output, which have these lengths; 1 where it does not. */
  private gain(i: number, layers: readonly (LowRank | undefined)[], parts: readonly Part[], lengths: Tensor): Tensor {
    const gains: Tensor[] = [];
    let before = 0;
    parts.forEach(({ outputs }, part) => {
      const magnitude = layers[part]?.magnitude;
      const own = mx.slice(lengths, [before], [before + outputs]);
      gains.push(magnitude === undefined ? mx.ones([outputs], "float32") : mx.divide(numbers(this.opened[i]!, magnitude), own));
      before += outputs;
    });
    return mx.concatenate(gains, 0);
  }

  /** Ends loading. Throws CheckpointError where an adapter changes what no layer took. */
  finish(): void {
    for (const { adapter, unread } of this.opened)
      for (const path of unread)
        throw refusal(
          adapter,
          adapter.layers.get(path)!.down,
          "changes no projection of this model; embeddings, experts and outputs take no adapter",
        );
    this.release();
  }

  /** Gives what is left of the files back. */
  release(): void {
    for (const { tensors } of this.opened) {
      tensors.forEach(mx.release);
      tensors.clear();
    }
  }

  private take({ adapter, unread }: Opened, { path, outputs }: Part, inputs: number): LowRank | undefined {
    const layer = adapter.layers.get(path);
    if (layer === undefined) return undefined;
    // The output projection is applied outside of `during`.
    if (!/\.\d+\./.test(path)) throw refusal(adapter, layer.down, "changes a projection outside of the layers, which takes no adapter");
    expectShape(adapter, layer.down, [inputs, layer.rank]);
    expectShape(adapter, layer.up, [layer.rank, outputs]);
    if (layer.magnitude !== undefined) expectShape(adapter, layer.magnitude, [outputs]);
    unread.delete(path);
    return layer;
  }

  /** [inputs, rank]: the matrices side by side. */
  private joinDown(opened: Opened, layers: readonly (LowRank | undefined)[], inputs: number, rank: number): Tensor {
    const found = layers.filter(layer => layer !== undefined);
    if (found.length === 0) return mx.zeros([inputs, rank], "float32");
    const joined = mx.concatenate(
      found.map(layer => matrix(opened, layer.down)),
      1,
    );
    return mx.pad(joined, 1, 0, rank - mx.shape(joined)[1]!);
  }

  /** [rank, outputs]: the matrices down the diagonal, scaled. */
  private joinUp(opened: Opened, layers: readonly (LowRank | undefined)[], parts: readonly Part[], rank: number): Tensor {
    const outputs = parts.reduce((sum, part) => sum + part.outputs, 0);
    const blocks: Tensor[] = [];
    let before = 0;
    layers.forEach((layer, i) => {
      const width = parts[i]!.outputs;
      if (layer !== undefined) blocks.push(mx.pad(matrix(opened, layer.up), 1, before, outputs - before - width));
      before += width;
    });
    if (blocks.length === 0) return mx.zeros([rank, outputs], "float32");
    const joined = mx.concatenate(blocks, 0);
    return mx.multiply(mx.pad(joined, 0, 0, rank - mx.shape(joined)[0]!), mx.scalar(opened.adapter.scale));
  }
}

/** What the rows' adapters add to y, the product of x. A layer may have laid rows and positions into one axis. */
function addition(x: Tensor, y: Tensor, { down, up }: { readonly down: Tensor; readonly up: Tensor }, rows: Tensor): Tensor {
  const byRow = mx.reshape(x, [mx.size(rows), -1, mx.shape(x).at(-1)!]);
  const low = mx.matmul(mx.astype(byRow, "float32"), mx.take(down, rows, 0));
  return mx.astype(mx.reshape(mx.matmul(low, mx.take(up, rows, 0)), mx.shape(y)), mx.dtype(y));
}

/** y · gain + shift, those of each row's adapter. */
function stretched(y: Tensor, gain: Tensor, shift: Tensor, rows: Tensor): Tensor {
  const [byRow, each] = [[mx.size(rows), -1, mx.shape(y).at(-1)!], (stack: Tensor) => mx.expandDims(mx.take(stack, rows, 0), 1)];
  return mx.astype(mx.reshape(mx.add(mx.multiply(mx.reshape(y, byRow), each(gain)), each(shift)), mx.shape(y)), mx.dtype(y));
}

function numbers({ tensors }: Opened, { name }: StoredTensor): Tensor {
  return mx.astype(tensors.get(name)!, "float32");
}

/** A matrix as [inputs, outputs]. */
function matrix(opened: Opened, tensor: StoredTensor): Tensor {
  const stored = numbers(opened, tensor);
  return opened.adapter.turned ? mx.swapaxes(stored, 0, 1) : stored;
}

function expectShape(adapter: Adapter, tensor: StoredTensor, expected: readonly number[]): void {
  const shape = adapter.turned ? expected.toReversed() : expected;
  if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i]))
    throw refusal(adapter, tensor, `has shape [${tensor.shape.join(", ")}], expected [${shape.join(", ")}]`);
}

function refusal({ folder, file }: Adapter, { name }: StoredTensor, what: string): CheckpointError {
  return new CheckpointError(`${join(folder, file)}: tensor ${quoted(name)} ${what}`);
}
