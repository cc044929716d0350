// Which runs of ids have their keys and values stored, so that a prompt that begins the same need not read them again.
// Pure bookkeeping: what a block holds besides its ids is the caller's payload.
//
//   root ─┬─ [system prompt, 64 ids] ─┬─ [chat A] ── [chat A] ── [chat A's last 20 ids]
//         │                           └─ [chat B]
//         └─ [another prompt]             A full block may be followed by others; a shorter one ends its chain.
//
// The way from the root spells the whole prefix, and a block is found by comparing all its ids. A prompt may use the first
// part of a block alone, because payloads are copied out and never written to.
//
// What goes when room is needed: first what was stored and never asked for again, then what was, each from the least recently
// used on. So a passing request takes the place of other passing requests and not that of a conversation that comes back.
// A parent is always used after the blocks that follow it, so that every chain goes from its end.
import { common } from "../util/common.ts";
import { RecencyList, type Listed } from "./recency.ts";

export interface Block<Payload> {
  readonly parent: Block<Payload> | undefined;
  readonly ids: Uint32Array;
  readonly payload: Payload;
  readonly end: number; // ids from the root to the end of this block
}

export interface Match<Payload> {
  readonly blocks: readonly Block<Payload>[]; // all used whole, the last one perhaps in part
  readonly length: number; // ids that need not be read
  readonly shared: number; // ids in common with the stored chain that goes along furthest; at least `length`
  readonly storedId: number | undefined; // the id which that chain has in this place; undefined where it ends
}

export interface PrefixLimits {
  readonly bytes: number;
  readonly blocks: number;
  readonly chains: number; // stored sequences, counted by their ends
}

export interface PrefixCacheOptions<Payload> {
  readonly blockSize: number;
  readonly limits: PrefixLimits;
  readonly sizeOf: (payload: Payload) => number; // bytes
  readonly dropped: (payload: Payload) => void;
  /** Fetches the payload of a full block behind a chain from elsewhere. */
  readonly load?: (parent: Block<Payload> | undefined, ids: Uint32Array) => Payload | undefined;
  /** Whether reading may go on behind a payload; `whole` says that all of its ids are used. By default it may. */
  readonly canEnd?: (payload: Payload, whole: boolean) => boolean;
}

interface Entry<Payload> extends Block<Payload>, Listed<Entry<Payload>> {
  readonly parent: Entry<Payload> | undefined;
  payload: Payload;
  bytes: number;
  readonly children: Entry<Payload>[]; // sorted by their ids
  readers: number; // who holds the block; in a list only while nobody does
  proven: boolean; // a later prompt has used it
}

/** The most that blocks which were used again may fill while others want room. */
const PROVEN_SHARE = 0.8;

/** Payloads are made in groups of that many blocks, which bounds what is there twice while they are made. */
const BLOCKS_AT_ONCE = 16;

export class PrefixCache<Payload> {
  private readonly roots: Entry<Payload>[] = [];
  private readonly fresh = new RecencyList<Entry<Payload>>();
  private readonly proven = new RecencyList<Entry<Payload>>();
  private provenBytes = 0; // of all proven entries, held or not
  private provenBlocks = 0;
  private count = 0;
  private ends = 0; // entries without children
  private evicted = 0;
  private sum = 0;

  constructor(private readonly options: PrefixCacheOptions<Payload>) {}

  get blockSize(): number {
    return this.options.blockSize;
  }

  get blocks(): number {
    return this.count;
  }

  get chains(): number {
    return this.ends;
  }

  get bytes(): number {
    return this.sum;
  }

  /** Blocks that went to make room. */
  get evictions(): number {
    return this.evicted;
  }

  /**
   * The longest stored prefix of `ids` that leaves at least one id to read; nothing unless it goes beyond `held`. Its blocks
   * are held until `letGo`.
   */
  match(ids: Uint32Array, held = 0): Match<Payload> {
    const { blockSize, canEnd } = this.options;
    const path: Entry<Payload>[] = [];
    while ((path.length + 1) * blockSize <= ids.length) {
      const next = this.findOrLoad(path.at(-1), ids.subarray(path.length * blockSize, (path.length + 1) * blockSize));
      if (next === undefined) break;
      next.readers += 1;
      unlist(next);
      path.push(next);
    }
    const whole = path.length * blockSize;
    const near = nearest(this.childrenOf(path.at(-1)), ids.subarray(whole, whole + blockSize));
    if (near.length > 0) {
      near.entry!.readers += 1;
      unlist(near.entry!);
      path.push(near.entry!);
    }
    const shared = whole + near.length;
    let length = Math.min(shared, ids.length - 1);
    const blocks = [...path];
    for (let last = blocks.at(-1); last !== undefined; last = blocks.at(-1)) {
      if (startOf(last) < length && (canEnd?.(last.payload, length >= last.end) ?? true)) break;
      length = Math.min(length, startOf(last));
      blocks.pop();
    }
    if (length <= held) [length, blocks.length] = [0, 0];
    for (const entry of blocks) this.prove(entry);
    this.letGo(path.slice(blocks.length));
    return { blocks, length, shared, storedId: near.entry?.ids[near.length] };
  }

  /** Gives up the blocks of a match; they become the most recently used, the first one most of all. */
  letGo(blocks: readonly Block<Payload>[]): void {
    for (const block of blocks.toReversed()) {
      const entry = block as Entry<Payload>;
      entry.readers -= 1;
      if (entry.readers === 0) (entry.proven ? this.proven : this.fresh).push(entry);
    }
    this.demote();
  }

  /**
   * Stores the blocks of `ids` that are not stored yet; with `partial` also what is left behind the last full block. `make`
   * gives the payloads of as many blocks from an offset on. Evicts what nobody holds, and stores less when there is no room.
   */
  insert(ids: Uint32Array, make: (from: number, blocks: readonly Uint32Array[]) => readonly Payload[], partial = false): void {
    const parts = this.cut(ids, partial);
    const path: Entry<Payload>[] = [];
    for (const part of parts) {
      const found = this.findStarting(path.at(-1), part);
      if (found === undefined) break;
      found.readers += 1; // so that making room for the next block does not evict this one
      unlist(found);
      path.push(found);
    }
    while (path.length < parts.length) {
      const group = parts.slice(path.length, path.length + BLOCKS_AT_ONCE);
      const payloads = make(path.length * this.blockSize, group);
      const stored = group.findIndex((part, n) => !this.add(path, part, payloads[n]!));
      if (stored < 0) continue;
      payloads.slice(stored).forEach(this.options.dropped);
      break;
    }
    this.letGo(path);
  }

  /**
   * Puts what `make` makes of its payload into the block that `ids` end in, when they are stored up to there and it makes
   * something; the old payload is dropped. Evicts what nobody holds, and changes nothing when there is no room.
   */
  exchange(ids: Uint32Array, make: (payload: Payload) => Payload | undefined): boolean {
    const path: Entry<Payload>[] = [];
    for (const part of this.cut(ids, true)) {
      const found = this.findStarting(path.at(-1), part);
      if (found === undefined || found.ids.length > part.length) break;
      found.readers += 1;
      unlist(found);
      path.push(found);
    }
    const last = path.at(-1);
    const done = last?.end === ids.length && this.put(last, make(last.payload));
    this.letGo(path);
    return done;
  }

  private put(entry: Entry<Payload>, payload: Payload | undefined): boolean {
    if (payload === undefined) return false;
    const more = this.options.sizeOf(payload) - entry.bytes;
    if (!this.shrink(this.options.limits.bytes - more)) {
      this.options.dropped(payload);
      return false;
    }
    this.options.dropped(entry.payload);
    entry.payload = payload;
    entry.bytes += more;
    this.sum += more;
    if (entry.proven) this.provenBytes += more;
    return true;
  }

  /** Drops every block that nobody holds; returns how many. */
  clear(): number {
    const before = this.count;
    while (this.evict());
    this.evicted -= before - this.count;
    return before - this.count;
  }

  /** Evicts until at most so many bytes are stored, or all that is left is held; returns whether that was enough. */
  shrink(bytes: number): boolean {
    while (this.sum > bytes && this.evict());
    return this.sum <= bytes;
  }

  /** Throws when the books contradict each other; tests call it after each step. */
  check(): void {
    const all = this.all();
    const free = [...this.fresh, ...this.proven];
    const { blocks, bytes, chains } = this.options.limits;
    const total = (entries: readonly Entry<Payload>[]) => entries.reduce((sum, entry) => sum + entry.bytes, 0);
    if (all.length !== this.count || total(all) !== this.sum) throw new Error("blocks are miscounted");
    if (this.count > blocks || this.sum > bytes || this.ends > chains) throw new Error("more is stored than allowed");
    if (total(all.filter(entry => entry.proven)) !== this.provenBytes) throw new Error("bytes that were used again are miscounted");
    if (all.filter(entry => entry.children.length === 0).length !== this.ends) throw new Error("chains are miscounted");
    if (free.length !== all.filter(entry => entry.readers === 0).length) throw new Error("a block is in no list or in two");
    for (const entry of all) this.checkEntry(entry);
    for (const list of [this.fresh, this.proven]) {
      const seen = new Set<Entry<Payload>>();
      for (const entry of list) if (seen.add(entry) && entry.parent && seen.has(entry.parent)) throw new Error("a parent is older than its child");
    }
  }

  private checkEntry(entry: Entry<Payload>): void {
    const { parent, children, ids } = entry;
    if (entry.readers < 0 || (entry.readers > 0 && entry.list !== undefined)) throw new Error("a held block is in a list");
    if (entry.readers === 0 && entry.list !== (entry.proven ? this.proven : this.fresh)) throw new Error("a block is in the wrong list");
    if (parent && (parent.ids.length < this.blockSize || parent.readers < entry.readers)) throw new Error("a block follows one that it cannot");
    if (entry.end !== (parent?.end ?? 0) + ids.length) throw new Error("a block does not know where it ends");
    if (children.some((child, i) => i > 0 && compare(children[i - 1]!.ids, child.ids) >= 0)) throw new Error("children are out of order");
  }

  private all(): Entry<Payload>[] {
    const found = [...this.roots];
    for (const entry of found) found.push(...entry.children);
    return found;
  }

  private cut(ids: Uint32Array, partial: boolean): Uint32Array[] {
    const parts = [];
    for (let at = 0; at < ids.length; at += this.blockSize) parts.push(ids.subarray(at, at + this.blockSize));
    return partial ? parts : parts.filter(part => part.length === this.blockSize);
  }

  private childrenOf(parent: Entry<Payload> | undefined): Entry<Payload>[] {
    return parent === undefined ? this.roots : parent.children;
  }

  private findOrLoad(parent: Entry<Payload> | undefined, ids: Uint32Array): Entry<Payload> | undefined {
    const found = this.findStarting(parent, ids);
    if (found !== undefined) return found;
    const payload = this.options.load?.(parent, ids);
    if (payload === undefined) return undefined;
    const path = parent === undefined ? [] : [parent];
    if (!this.add(path, ids, payload)) return void this.options.dropped(payload);
    const entry = path.at(-1)!;
    entry.readers -= 1;
    return entry;
  }

  /** The child that begins with `ids`. */
  private findStarting(parent: Entry<Payload> | undefined, ids: Uint32Array): Entry<Payload> | undefined {
    const children = this.childrenOf(parent);
    const entry = children[place(children, ids)];
    return entry !== undefined && common(entry.ids, ids) === ids.length ? entry : undefined;
  }

  /** Stores a block behind the last of `path`, held, and appends it there; false when there is no room, and then the payload is the caller's. */
  private add(path: Entry<Payload>[], ids: Uint32Array, payload: Payload): boolean {
    const bytes = this.options.sizeOf(payload);
    const parent = path.at(-1);
    if (path.length > 0 && parent!.readers === 0) throw new Error("a block is added behind one that nobody holds");
    const proven = this.supersede(parent, ids);
    if (!this.makeRoom(bytes, parent)) return false;
    const children = this.childrenOf(parent);
    if (children.length === 0 && parent !== undefined) this.ends -= 1;
    const end = (parent?.end ?? 0) + ids.length;
    const unlisted = { list: undefined, older: undefined, newer: undefined };
    const entry: Entry<Payload> = { parent, ids: ids.slice(), payload, end, bytes, children: [], readers: 1, proven, ...unlisted };
    children.splice(place(children, ids), 0, entry);
    this.ends += 1;
    this.count += 1;
    this.sum += bytes;
    if (proven) this.countProven(entry, 1);
    path.push(entry);
    return true;
  }

  /** Drops a shorter block that a new one begins with; returns whether it had been used again. */
  private supersede(parent: Entry<Payload> | undefined, ids: Uint32Array): boolean {
    const children = this.childrenOf(parent);
    const before = children[place(children, ids) - 1];
    if (before === undefined || common(before.ids, ids) < before.ids.length || before.readers > 0) return false;
    const { proven } = before;
    this.drop(before);
    return proven;
  }

  private makeRoom(bytes: number, parent: Entry<Payload> | undefined): boolean {
    const { limits } = this.options;
    const chains = () => this.ends + (parent === undefined || parent.children.length > 0 ? 1 : 0);
    const full = () => this.count + 1 > limits.blocks || this.sum + bytes > limits.bytes || chains() > limits.chains;
    while (full()) if (!this.evict()) return false;
    return true;
  }

  private evict(): boolean {
    const entry = this.fresh.oldest ?? this.proven.oldest;
    if (entry === undefined) return false;
    this.drop(entry);
    this.evicted += 1;
    return true;
  }

  private drop(entry: Entry<Payload>): void {
    const { parent } = entry;
    const siblings = this.childrenOf(parent);
    unlist(entry);
    siblings.splice(place(siblings, entry.ids), 1);
    if (siblings.length > 0 || parent === undefined) this.ends -= 1;
    this.count -= 1;
    this.sum -= entry.bytes;
    if (entry.proven) this.countProven(entry, -1);
    this.options.dropped(entry.payload);
  }

  private prove(entry: Entry<Payload>): void {
    if (entry.proven) return;
    entry.proven = true;
    this.countProven(entry, 1);
  }

  private countProven(entry: Entry<Payload>, sign: 1 | -1): void {
    this.provenBytes += sign * entry.bytes;
    this.provenBlocks += sign;
  }

  /** What was used again longest ago competes with what is new once its kind fills more than its share. */
  private demote(): void {
    const { bytes, blocks } = this.options.limits;
    const tooMuch = () => this.provenBytes > bytes * PROVEN_SHARE || this.provenBlocks > blocks * PROVEN_SHARE;
    for (let entry = this.proven.oldest; entry && tooMuch(); entry = this.proven.oldest) {
      this.proven.remove(entry);
      entry.proven = false;
      this.countProven(entry, -1);
      this.fresh.push(entry);
    }
  }
}

function unlist<Payload>(entry: Entry<Payload>): void {
  entry.list?.remove(entry);
}

function startOf<Payload>(entry: Block<Payload>): number {
  return entry.end - entry.ids.length;
}

/** Negative, zero or positive as `a` stands before, at or behind `b`; a run stands before all that begin with it. */
function compare(a: Uint32Array, b: Uint32Array): number {
  const n = common(a, b);
  return n < a.length && n < b.length ? a[n]! - b[n]! : a.length - b.length;
}

/** The index of the first entry that does not stand before `ids`. */
function place<Payload>(entries: readonly Entry<Payload>[], ids: Uint32Array): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(entries[middle]!.ids, ids) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The entry with the most first ids in common; it is one of the two between which `ids` would stand. */
function nearest<Payload>(entries: readonly Entry<Payload>[], ids: Uint32Array): { entry: Entry<Payload> | undefined; length: number } {
  const at = place(entries, ids);
  const [before, behind] = [entries[at - 1], entries[at]];
  const [first, second] = [before ? common(before.ids, ids) : -1, behind ? common(behind.ids, ids) : -1];
  return first > second ? { entry: before, length: first } : { entry: behind, length: Math.max(second, 0) };
}
