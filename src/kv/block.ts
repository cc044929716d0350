// How a run of tokens is kept outside of the slabs: one flat tensor with the parts of all layers, so that a thousand blocks
// are a thousand buffers and not a thousand times the layers. A block may end in a snapshot: the states that sum up all tokens
// from the first one to the block's last.
import * as mx from "../mx/index.ts";
import type { Dtype, Tensor } from "../mx/index.ts";
import { cellOf, type Cell } from "./slab.ts";

export interface StateFormat {
  readonly shape: readonly number[]; // [1, …]
  readonly dtype: Dtype;
}

export interface StoredBlock {
  readonly data: Tensor; // [words] uint32, kept
  readonly tokens: number;
  readonly format: BlockFormat;
  readonly bytes: number;
  readonly key?: string; // of a full block, where there is a disk tier
  readonly parent?: string | undefined; // the key of the block before it
}

const WORD = 4;

export class BlockFormat {
  constructor(
    readonly layers: readonly (readonly Cell[])[], // of the parts of each
    readonly snapshot?: readonly StateFormat[],
  ) {}

  /** Reads the JSON of a format; undefined where it is none. */
  static read(json: unknown): BlockFormat | undefined {
    const { layers, snapshot } = (json ?? {}) as Partial<BlockFormat>;
    const fits = Array.isArray(layers) && layers.every(parts => Array.isArray(parts) && parts.every(isPart));
    const ends = snapshot === undefined || (Array.isArray(snapshot) && snapshot.every(isState));
    return fits && ends ? new BlockFormat(layers, snapshot) : undefined;
  }

  /** The format of blocks that are made of such parts. */
  static of(layers: readonly (readonly Tensor[])[]): BlockFormat {
    return new BlockFormat(layers.map(parts => parts.map(cellOf)));
  }

  equals(other: BlockFormat): boolean {
    return JSON.stringify([this.layers, this.snapshot]) === JSON.stringify([other.layers, other.snapshot]);
  }

  /** Words of one layer's parts, one after the other, in a block of so many tokens. */
  words(tokens: number): number[] {
    return this.layers.flat().map(({ heads, width, dtype }) => (heads * width * tokens * mx.itemSize(dtype)) / WORD);
  }

  /** Of the tensor. */
  dataBytes(tokens: number): number {
    return (total(this.words(tokens)) + total((this.snapshot ?? []).map(wordsOf))) * WORD;
  }

  /** Of the tensor, and of the ids beside it: where all layers are recurrent they are all that a block without snapshot holds. */
  bytes(tokens: number): number {
    return this.dataBytes(tokens) + tokens * WORD;
  }

  /** The same block with a snapshot at its end, kept. */
  withSnapshot({ data, tokens }: StoredBlock, states: readonly Tensor[], known: (format: BlockFormat) => BlockFormat): StoredBlock {
    const snapshot = states.map(state => ({ shape: mx.shape(state), dtype: mx.dtype(state) }));
    const format = known(new BlockFormat(this.layers, snapshot));
    const parts = states.map(state => mx.view(mx.reshape(mx.contiguous(state), [-1]), "uint32"));
    return { data: mx.keep(mx.concatenate([data, ...parts], 0)), tokens, format, bytes: format.bytes(tokens) };
  }

  /** The states of the snapshot that a block of this format ends in. */
  statesOf({ data, tokens }: StoredBlock): Tensor[] {
    let at = total(this.words(tokens));
    return this.snapshot!.map(state => {
      const words = mx.sliceAxis(data, 0, at, (at += wordsOf(state)));
      return mx.reshape(mx.view(words, state.dtype), state.shape);
    });
  }

  /** Copies parts that hold the tokens of `count` equal blocks into so many kept tensors. */
  pack(layers: readonly (readonly Tensor[])[], count: number, tokens: number): StoredBlock[] {
    const formats = this.layers.flat();
    const parts = layers.flat().map((part, i) => {
      const { heads, width } = formats[i]!;
      return mx.transpose(mx.reshape(part, [heads, count, tokens, width]), [1, 0, 2, 3]); // by block; views
    });
    const all = this.joined(parts, count);
    return Array.from({ length: count }, (_, n) => {
      const row = mx.reshape(mx.sliceAxis(all, 0, n, n + 1), [-1]);
      const data = mx.keep(count === 1 ? row : mx.add(row, mx.scalar(0, "uint32"))); // a buffer of its own
      return { data, tokens, format: this, bytes: this.bytes(tokens) };
    });
  }

  /** Parts [count, heads, tokens, width] one behind the other, [count, words] uint32. */
  private joined(parts: readonly Tensor[], count: number): Tensor {
    const [first, ...others] = this.layers.flat();
    if (first === undefined) return mx.zeros([count, 0], "uint32");
    const words = (part: Tensor): Tensor => mx.view(mx.reshape(part, [count, -1]), "uint32");
    const alike = others.every(({ width, dtype }) => width === first.width && dtype === first.dtype);
    return alike ? words(mx.concatenate(parts, 1)) : mx.concatenate(parts.map(words), 1); // the first copies once, the second twice
  }

  /** The parts of equal blocks that follow one another: for each layer [1, heads, count · tokens, width]. */
  unpack(blocks: readonly StoredBlock[]): Tensor[][] {
    const [count, tokens] = [blocks.length, blocks[0]!.tokens];
    const all = mx.stack(
      blocks.map(block => block.data),
      0,
    );
    let at = 0;
    const words = this.words(tokens);
    return this.layers.map(parts =>
      parts.map(({ heads, width, dtype }) => {
        const size = words.shift()!;
        const byBlock = mx.view(mx.sliceAxis(all, 1, at, at + size), dtype);
        at += size;
        const byHead = mx.transpose(mx.reshape(byBlock, [count, heads, tokens, width]), [1, 0, 2, 3]);
        return mx.reshape(byHead, [1, heads, count * tokens, width]);
      }),
    );
  }
}

function isPart(part: Partial<Cell> | null): boolean {
  const { heads, width, dtype } = part ?? {};
  return Number.isInteger(heads) && Number.isInteger(width) && mx.isDtype(dtype);
}

function isState(state: Partial<StateFormat> | null): boolean {
  const { shape, dtype } = state ?? {};
  return Array.isArray(shape) && shape.every(Number.isInteger) && mx.isDtype(dtype);
}

function wordsOf({ shape, dtype }: StateFormat): number {
  return shape.reduce((product, n) => product * n, mx.itemSize(dtype)) / WORD;
}

function total(words: readonly number[]): number {
  return words.reduce((sum, n) => sum + n, 0);
}
