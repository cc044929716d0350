// Stored prefixes: the bookkeeping of cache/prefix with the keys and values behind it.
//
// A block's payload is one flat tensor with the keys and values of all layers, so that a thousand blocks are a thousand
// buffers and not a thousand times the layers. Blocks are copies: no slab is shared with them, in either direction.
import { PrefixCache } from "../cache/prefix.ts";
import type { PrefixCacheOptions, PrefixStats } from "../engine/protocol.ts";
import type { LayerLayout } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { isRecurrent } from "./recurrent.ts";
import type { KvRows } from "./rows.ts";

export class PrefixStore {
  private readonly cache: PrefixCache<Tensor>;
  private readonly parts: readonly Part[];
  private readonly maxBlocks: number;
  private hits = 0;
  private misses = 0;
  private tokensSaved = 0;

  constructor(layout: readonly LayerLayout[], options: PrefixCacheOptions, bytesPerNumber: number) {
    const { blockSize, maxBytes } = options;
    this.parts = partsOf(layout, blockSize);
    this.maxBlocks = Math.floor(maxBytes / (this.blockNumbers * bytesPerNumber));
    this.cache = new PrefixCache(blockSize, this.maxBlocks, payload => mx.release(payload));
  }

  get stats(): PrefixStats {
    const { maxBlocks, hits, misses, tokensSaved } = this;
    return { blocks: this.cache.size, blockSize: this.cache.blockSize, maxBlocks, hits, misses, tokensSaved };
  }

  /** Gives the empty only row of `kv` the longest stored prefix of `ids`; returns how many ids that spares. */
  restore(kv: KvRows, ids: Uint32Array): number {
    const chain = this.cache.match(ids);
    this.cache.letGo(chain); // the graph below holds on to the data
    const length = chain.length * this.cache.blockSize;
    if (length === 0) this.misses += 1;
    else this.hits += 1;
    this.tokensSaved += length;
    if (length === 0) return 0;
    const joined = this.parts.map(part =>
      mx.concatenate(
        chain.map(block => part.of(block.payload)),
        2,
      ),
    );
    kv.fill(
      kv.layers.map((_, i) => [joined[2 * i]!, joined[2 * i + 1]!] as const),
      length,
    );
    return length;
  }

  /** Stores the full blocks of `ids`, whose keys and values row `row` of `kv` holds from position 0 on. */
  publish(kv: KvRows, row: number, ids: Uint32Array): void {
    const made: Tensor[] = [];
    this.cache.insert(ids, n => {
      const [from, to] = [n * this.cache.blockSize, (n + 1) * this.cache.blockSize];
      const numbers = kv.layers.flatMap(layer => layer.part(row, from, to)).map(t => mx.reshape(t, [-1]));
      const block = mx.keep(mx.concatenate(numbers, 0));
      made.push(block);
      return block;
    });
    if (made.length > 0) mx.asyncEvaluate(...made); // before the slab is written again, so that it has no reader left
  }

  /** Drops all blocks; returns how many there were. */
  clear(): number {
    return this.cache.clear();
  }

  private get blockNumbers(): number {
    const last = this.parts.at(-1)!;
    return last.offset + last.numbers;
  }
}

/** Where one layer's keys, or values, lie in a block. */
interface Part {
  readonly offset: number;
  readonly numbers: number;
  /** [1, kvHeads, blockSize, width]. */
  of(block: Tensor): Tensor;
}

function partsOf(layout: readonly LayerLayout[], blockSize: number): Part[] {
  let end = 0;
  const part = (kvHeads: number, width: number): Part => {
    const [offset, numbers] = [end, kvHeads * blockSize * width];
    end += numbers;
    return { offset, numbers, of: block => mx.reshape(mx.slice(block, [offset], [offset + numbers]), [1, kvHeads, blockSize, width]) };
  };
  return layout.flatMap(one => {
    if (isRecurrent(one)) throw new TypeError("the states of a recurrent layer have no blocks");
    return [part(one.kvHeads, one.headDim), part(one.kvHeads, one.valueDim ?? one.headDim)];
  });
}
