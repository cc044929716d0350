// Which runs of ids have their keys and values stored, so that a prompt that begins the same need not read them again.
// Pure bookkeeping: what a block holds besides its ids is the caller's payload.
//
// A block is `blockSize` ids that follow a parent block; the chain from the root spells the whole prefix, so two equal runs
// of ids in different places are different blocks. Blocks are found by a hash over parent and ids, and compared id by id
// before they are believed.

export interface Block<Payload> {
  readonly parent: Block<Payload> | undefined;
  readonly ids: Uint32Array;
  readonly payload: Payload;
  readonly depth: number; // blocks in the chain up to and including this one
}

interface Entry<Payload> extends Block<Payload> {
  readonly parent: Entry<Payload> | undefined;
  readonly hash: bigint;
  readers: number; // sequences that hold the block
  children: number; // stored blocks that follow this one
  usedAt: number; // tick of the last match
}

export class PrefixCache<Payload> {
  private readonly byHash = new Map<bigint, Entry<Payload>[]>();
  private count = 0;
  private tick = 0;

  constructor(
    readonly blockSize: number,
    private readonly maxBlocks: number,
    private readonly dropped: (payload: Payload) => void,
  ) {}

  get size(): number {
    return this.count;
  }

  /** The longest stored chain that `ids` begins with, leaving at least one id to read. Its blocks are held until `letGo`. */
  match(ids: Uint32Array): Block<Payload>[] {
    const chain: Entry<Payload>[] = [];
    const most = Math.floor((ids.length - 1) / this.blockSize);
    this.tick += 1;
    while (chain.length < most) {
      const found = this.find(chain.at(-1), this.slice(ids, chain.length));
      if (found === undefined) break;
      found.readers += 1;
      found.usedAt = this.tick;
      chain.push(found);
    }
    return chain;
  }

  letGo(chain: readonly Block<Payload>[]): void {
    for (const block of chain) (block as Entry<Payload>).readers -= 1;
  }

  /**
   * Stores the full blocks of `ids` that are not stored yet; `make` gives the payload of block number n. Evicts the least
   * recently used blocks nobody holds; stores less when there is no room.
   */
  insert(ids: Uint32Array, make: (block: number) => Payload): void {
    const full = Math.floor(ids.length / this.blockSize);
    const path: Entry<Payload>[] = [];
    this.tick += 1;
    for (let n = 0; n < full; n++) {
      const part = this.slice(ids, n);
      const parent = path.at(-1);
      const entry = this.find(parent, part) ?? this.add(parent, part, n, make);
      if (entry === undefined) break;
      entry.usedAt = this.tick;
      entry.readers += 1; // so that making room for the next block does not evict this one
      path.push(entry);
    }
    this.letGo(path);
  }

  /** Drops every block that no sequence holds; returns how many. */
  clear(): number {
    const before = this.count;
    while (this.evict());
    return before - this.count;
  }

  /** Drops the least recently used block that nobody holds and nothing follows; false when there is none. */
  evict(): boolean {
    let oldest: Entry<Payload> | undefined;
    for (const bucket of this.byHash.values())
      for (const entry of bucket)
        if (entry.readers === 0 && entry.children === 0 && (oldest === undefined || entry.usedAt < oldest.usedAt)) oldest = entry;
    if (oldest === undefined) return false;
    this.drop(oldest);
    return true;
  }

  /** Throws when the books contradict each other; tests call it after each step. */
  check(): void {
    const all = [...this.byHash.values()].flat();
    if (all.length !== this.count || this.count > this.maxBlocks) throw new Error("blocks are miscounted");
    for (const entry of all) {
      if (entry.readers < 0) throw new Error("a block was let go too often");
      if (entry.children !== all.filter(other => other.parent === entry).length) throw new Error("children are miscounted");
      if (entry.parent !== undefined && !all.includes(entry.parent)) throw new Error("a block outlived its parent");
    }
  }

  private slice(ids: Uint32Array, block: number): Uint32Array {
    return ids.subarray(block * this.blockSize, (block + 1) * this.blockSize);
  }

  private find(parent: Entry<Payload> | undefined, ids: Uint32Array): Entry<Payload> | undefined {
    return this.byHash.get(hashOf(parent, ids))?.find(entry => entry.parent === parent && equal(entry.ids, ids));
  }

  private add(parent: Entry<Payload> | undefined, ids: Uint32Array, n: number, make: (block: number) => Payload): Entry<Payload> | undefined {
    if (this.count >= this.maxBlocks && !this.evict()) return undefined;
    const hash = hashOf(parent, ids);
    const entry = { parent, ids: ids.slice(), payload: make(n), depth: n + 1, hash, readers: 0, children: 0, usedAt: this.tick };
    const bucket = this.byHash.get(hash);
    if (bucket === undefined) this.byHash.set(hash, [entry]);
    else bucket.push(entry);
    if (parent !== undefined) parent.children += 1;
    this.count += 1;
    return entry;
  }

  private drop(entry: Entry<Payload>): void {
    const bucket = this.byHash.get(entry.hash)!;
    if (bucket.length === 1) this.byHash.delete(entry.hash);
    else bucket.splice(bucket.indexOf(entry), 1);
    if (entry.parent !== undefined) entry.parent.children -= 1;
    this.count -= 1;
    this.dropped(entry.payload);
  }
}

/** Chained over all ids from the root on. */
function hashOf<Payload>(parent: Entry<Payload> | undefined, ids: Uint32Array): bigint {
  return BigInt.asUintN(64, Bun.hash.wyhash(ids as Uint32Array<ArrayBuffer>, parent?.hash ?? 0n));
}

function equal(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
