// How a run of tokens is kept outside of the slabs: one flat tensor with the parts of all layers, so that a thousand blocks
// are a thousand buffers and not a thousand times the layers.
import * as mx from "../mx/index.ts";
import type { Dtype, Tensor } from "../mx/index.ts";

/** The shape of one part of a layer, such as its keys: [1, heads, tokens, width]. */
export interface PartFormat {
  readonly heads: number;
  readonly width: number;
  readonly dtype: Dtype;
}

export interface StoredBlock {
  readonly data: Tensor; // [words] uint32, kept
  readonly tokens: number;
  readonly format: BlockFormat;
  readonly bytes: number;
}

const WORD = 4;

export class BlockFormat {
  constructor(readonly layers: readonly (readonly PartFormat[])[]) {}

  /** The format of blocks that are made of such parts. */
  static of(layers: readonly (readonly Tensor[])[]): BlockFormat {
    const partOf = (part: Tensor): PartFormat => {
      const [, heads, , width] = mx.shape(part) as [number, number, number, number];
      return { heads, width, dtype: mx.dtype(part) };
    };
    return new BlockFormat(layers.map(parts => parts.map(partOf)));
  }

  equals(other: BlockFormat): boolean {
    return JSON.stringify(this.layers) === JSON.stringify(other.layers);
  }

  /** Words of one layer's parts, one after the other, in a block of so many tokens. */
  words(tokens: number): number[] {
    return this.layers.flat().map(({ heads, width, dtype }) => (heads * width * tokens * mx.itemSize(dtype)) / WORD);
  }

  bytes(tokens: number): number {
    return this.words(tokens).reduce((sum, words) => sum + words, 0) * WORD;
  }

  /** Copies parts that hold the tokens of `count` equal blocks into so many kept tensors. */
  pack(layers: readonly (readonly Tensor[])[], count: number, tokens: number): StoredBlock[] {
    const rows = layers.flat().map(part => {
      const [, heads, , width] = mx.shape(part) as [number, number, number, number];
      const byBlock = mx.transpose(mx.reshape(part, [heads, count, tokens, width]), [1, 0, 2, 3]);
      return mx.view(mx.reshape(byBlock, [count, heads * tokens * width]), "uint32");
    });
    const all = mx.concatenate(rows, 1);
    return Array.from({ length: count }, (_, n) => {
      const row = mx.reshape(mx.sliceAxis(all, 0, n, n + 1), [-1]);
      const data = mx.keep(count === 1 ? row : mx.add(row, mx.scalar(0, "uint32"))); // a buffer of its own
      return { data, tokens, format: this, bytes: this.bytes(tokens) };
    });
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
