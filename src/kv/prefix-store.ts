// Stored prefixes: the bookkeeping of cache/prefix with the keys and values behind it.
// Blocks are copies: no slab is shared with them, in either direction.
import { PrefixCache, type Match } from "../cache/prefix.ts";
import type { PrefixCacheOptions, PrefixDiagnosis, PrefixStats } from "../engine/protocol.ts";
import * as mx from "../mx/index.ts";
import { BlockFormat, type StoredBlock } from "./block.ts";
import type { DiskBlocks } from "./disk-blocks.ts";
import type { KvRows } from "./rows.ts";

/** Fewer ids than these are read sooner than what is stored of them is brought back: a GPU reads dozens in the time of one. */
const LEAST: Readonly<Record<mx.Backend, number>> = { cpu: 1, metal: 32, cuda: 32 };

export class PrefixStore {
  private readonly cache: PrefixCache<StoredBlock>;
  private readonly formats: BlockFormat[] = [];
  private disk: DiskBlocks | undefined;
  private hits = 0;
  private misses = 0;
  private tokensSaved = 0;

  /** Where rows carry states they can go on only behind a snapshot of them. */
  constructor(
    private readonly options: PrefixCacheOptions,
    private readonly carriesStates = false,
    readonly least = LEAST[mx.backend()], // ids that are worth storing, bringing back, or waiting for
  ) {
    const { blockSize, maxBytes, maxBlocks, maxChains } = options;
    this.cache = new PrefixCache({
      blockSize,
      limits: { bytes: maxBytes, blocks: maxBlocks ?? Infinity, chains: maxChains ?? Infinity },
      sizeOf: block => block.bytes,
      dropped: block => this.dropped(block),
      load: (parent, ids) => this.load(parent?.payload, ids),
      canEnd: ({ format }, whole) => !carriesStates || (whole && format.snapshot !== undefined),
    });
  }

  /** From now on blocks are also written to a disk tier and read from there. Nothing may be stored yet. */
  attach(disk: DiskBlocks): void {
    if (this.cache.blocks > 0) throw new TypeError("a disk tier is attached to a store that is not empty");
    this.disk = disk;
  }

  get blockSize(): number {
    return this.cache.blockSize;
  }

  get stats(): PrefixStats {
    const { blocks, bytes, chains, evictions } = this.cache;
    const { hits, misses, tokensSaved, options } = this;
    const onDisk = this.disk?.stats;
    return { ...options, blocks, bytes, chains, evictions, hits, misses, tokensSaved, ...(onDisk && { onDisk }) };
  }

  /** Bytes of stored blocks. */
  get bytes(): number {
    return this.cache.bytes;
  }

  /** Where `ids` leave what is stored; counts as no use. */
  diagnose(ids: Uint32Array): PrefixDiagnosis {
    const { shared, storedId } = this.cache.match(ids, ids.length);
    return { sharedTokens: shared, ...(storedId !== undefined && shared < ids.length && { storedId }) };
  }

  /** Gives the only row of `kv` what is stored of `ids` behind what it holds already; returns how many ids are stored in all. */
  restore(kv: KvRows, ids: Uint32Array): number {
    this.disk?.nextPrompt();
    const held = kv.lengths[0]!;
    const match = this.cache.match(ids, held);
    if (match.length - held < this.least) return match.shared;
    this.disk?.used(match.blocks.map(({ payload }) => payload));
    this.cache.letGo(match.blocks); // the graph below holds on to the data
    for (const { blocks, start, end } of runs(match)) {
      const from = Math.max(start, kv.lengths[0]!);
      const to = Math.min(end, match.length);
      if (from >= to) continue;
      const skipped = Math.floor((from - start) / this.blockSize);
      const first = start + skipped * this.blockSize;
      const layers = blocks[0]!.format.unpack(blocks.slice(skipped));
      kv.append(
        layers.map(parts => parts.map(part => mx.sliceAxis(part, 2, from - first, to - first))),
        to,
      );
    }
    const last = match.blocks.at(-1)?.payload;
    if (this.carriesStates && last !== undefined) kv.resume(last.format.statesOf(last));
    return match.shared;
  }

  /** Blocks that were on disk and could not be read. */
  get lost(): number {
    return this.disk?.lost ?? 0;
  }

  /** Where between `held` and `end` stored blocks of `ids` go on behind lost ones that begin at `held`; `end` where they do not. */
  gapEnd(ids: Uint32Array, held: number, end: number): number {
    const isStored = (this.disk?.keys(ids.subarray(0, end), this.blockSize) ?? []).map(key => this.disk!.has(key));
    const at = held / this.blockSize;
    const next = isStored[at] === false ? isStored.indexOf(true, at) : -1;
    return next < 0 ? end : next * this.blockSize;
  }

  /** Counts a sequence that took so many ids of its prompt from here. */
  count(cached: number): void {
    if (cached > 0) this.hits += 1;
    else this.misses += 1;
    this.tokensSaved += cached;
  }

  /**
   * Stores the blocks of `ids`, which row `row` of `kv` holds from position 0 on; with `partial` also those behind the last
   * full block, where they are worth it. Where these are all that the row holds, the last block ends in a snapshot of its states.
   */
  publish(kv: KvRows, row: number, ids: Uint32Array, partial: boolean): void {
    if (ids.length < this.least) return;
    let keys: readonly string[] | undefined;
    const make = (from: number, parts: readonly Uint32Array[]): StoredBlock[] => {
      keys ??= this.disk?.keys(ids, this.blockSize) ?? [];
      const first = from / this.blockSize;
      const blocks = this.pack(kv, row, from, parts).map((block, n) => withKey(block, keys![first + n], keys![first + n - 1]));
      blocks.forEach((block, n) => this.disk?.enqueue(block, parts[n]!));
      mx.asyncEvaluate(...blocks.map(block => block.data)); // before the slab is written again, so that it has no reader left
      return blocks;
    };
    const tail = ids.length % this.blockSize;
    mx.scope(() => {
      this.cache.insert(ids, make, partial && (this.carriesStates || tail >= this.least));
      if (this.carriesStates && kv.lengths[row] === ids.length) this.snapshot(kv, row, ids);
    });
  }

  private snapshot(kv: KvRows, row: number, ids: Uint32Array): void {
    let made: StoredBlock | undefined;
    const stored = this.cache.exchange(ids, block => {
      if (block.format.snapshot !== undefined) return undefined;
      made = withKey(
        block.format.withSnapshot(block, kv.states(row), format => this.known(format)),
        block.key,
        block.parent,
      );
      mx.asyncEvaluate(made.data);
      return made;
    });
    if (stored) this.disk?.enqueue(made!, ids.subarray(ids.length - made!.tokens));
  }

  /** Drops all blocks, also those on disk; returns how many there were in memory. */
  clear(): number {
    void this.disk?.clear();
    return this.cache.clear();
  }

  /** Drops the least useful blocks until at most so many bytes are stored. */
  shrink(bytes: number): void {
    this.cache.shrink(bytes);
  }

  /** Throws when the books contradict each other; tests call it after each step. */
  check(): void {
    this.cache.check();
  }

  private load(parent: StoredBlock | undefined, ids: Uint32Array): StoredBlock | undefined {
    const block = this.disk?.load(parent, ids);
    return block && { ...block, format: this.known(block.format) };
  }

  private dropped(block: StoredBlock): void {
    this.disk?.withdraw(block);
    mx.release(block.data);
  }

  /** Blocks of the same format and length are packed together. */
  private pack(kv: KvRows, row: number, start: number, parts: readonly Uint32Array[]): StoredBlock[] {
    const full = parts.filter(part => part.length === this.blockSize).length;
    const behind = start + full * this.blockSize;
    const seam = Math.min(Math.max(kv.seam, start), behind); // it lies between blocks
    const end = behind + (full < parts.length ? parts[full]!.length : 0);
    const packed = (from: number, to: number, tokens: number): StoredBlock[] => {
      if (from === to) return [];
      const layers = kv.part(row, from, to);
      return this.known(BlockFormat.of(layers)).pack(layers, (to - from) / tokens, tokens);
    };
    return [...packed(start, seam, this.blockSize), ...packed(seam, behind, this.blockSize), ...packed(behind, end, end - behind)];
  }

  /** One object for all equal formats. */
  private known(format: BlockFormat): BlockFormat {
    const found = this.formats.find(one => one.equals(format));
    if (found === undefined) this.formats.push(format);
    return found ?? format;
  }
}

function withKey(block: StoredBlock, key: string | undefined, parent: string | undefined): StoredBlock {
  return key === undefined ? block : { ...block, key, parent };
}

interface Run {
  readonly blocks: StoredBlock[];
  readonly start: number;
  end: number;
}

/** Neighbouring blocks of one size and format, which are unpacked together. */
function runs({ blocks }: Match<StoredBlock>): Run[] {
  const made: Run[] = [];
  for (const { payload, ids, end } of blocks) {
    const last = made.at(-1);
    const first = last?.blocks[0];
    if (last && first?.format === payload.format && first.tokens === payload.tokens) {
      last.blocks.push(payload);
      last.end = end;
    } else made.push({ blocks: [payload], start: end - ids.length, end });
  }
  return made;
}
