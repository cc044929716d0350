// The disk tier of stored prefixes: blocks that survive a restart. Owns what is written and what must go; knows no tensors.
//
// Blocks are read when a prompt asks for them, a bounded number of bytes at a time, and written one after the other while the
// event loop turns: between two steps of the engine at most one block is copied and handed to the system. One cap holds for
// all stores of the folder. A block that is damaged, or gone, is a block that is read again from its ids.
//
// What was not used for longest goes first. A block counts as used after all that follow it, so that chains go from their ends:
// what has lost its beginning could not be found again. The files' times tell the order to the next process.
import { statfs } from "node:fs/promises";
import type { DiskStats } from "../engine/protocol.ts";
import { decodeBlock, encodeBlock, type BlockFile } from "./block-file.ts";
import { DiskFolder, type StoredFile } from "./disk-folder.ts";
import { messageOf } from "../util/message-of.ts";
import { nextTurn } from "../util/next-turn.ts";

export interface DiskOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly store: string; // digest of the model and all that its blocks depend on
  readonly log: (line: string) => void;
  readonly freeBytes?: () => Promise<number>; // of the disk; asked of the system otherwise
}

/** So much of the disk stays free. */
export const RESERVE_BYTES = 1_000_000_000;
const READ_BYTES = 128_000_000; // for one prompt at a time
const RETRY_MS = 10_000; // after writing was stopped
const RESCAN_MS = 30_000; // of the folder
const SAVE_MS = 30_000; // the order of use, for a server that is killed
const TICK_MS = 0.01; // files' times are finer

type Source = () => Omit<BlockFile, "key">;

interface Known {
  readonly bytes: number;
  readonly usedAt: number;
  readonly parent: string | undefined; // the block before it; found by a scan, a block does not tell
  readonly savedAt?: number; // `usedAt` as the file has it
}

interface Waiting {
  readonly source: Source;
  readonly parent: string | undefined;
}

export class DiskTier {
  private readonly own = new Map<string, Known>(); // the least recently used first
  private others: StoredFile[] = []; // of other stores, likewise
  private ownBytes = 0;
  private otherBytes = 0;
  private scannedAt = 0;
  private savedAt = 0; // when files got the times of their use
  private clock = 0; // what was used last, in milliseconds; no two blocks were used at once
  private readonly queue = new Map<string, Waiting>();
  private writer: Promise<void> | undefined;
  private stoppedAt = -Infinity;
  private stopped: string | undefined;
  private generation = 0; // of the store's contents: counts how often it was cleared
  private readable = READ_BYTES;
  private written = 0;
  private read = 0;
  private damaged = 0;
  /** Blocks that were there and could not be read. */
  lost = 0;

  private constructor(
    private readonly folder: DiskFolder,
    private readonly options: DiskOptions,
  ) {}

  /** Takes stock of the folder and deletes what is above the cap. Throws DiskError when the folder cannot be used. */
  static async open(options: DiskOptions): Promise<DiskTier> {
    const tier = new DiskTier(await DiskFolder.open(options.directory, options.store), options);
    await tier.takeStock();
    await tier.makeRoom(0);
    return tier;
  }

  get stats(): DiskStats {
    const { written, read, damaged, stopped } = this;
    return {
      blocks: this.own.size,
      bytes: this.ownBytes + this.otherBytes,
      maxBytes: this.options.maxBytes,
      waiting: this.queue.size,
      written,
      read,
      damaged,
      stopped,
    };
  }

  /** Allows the next prompt its share of reading. */
  nextPrompt(): void {
    this.readable = READ_BYTES;
  }

  /** The block with these ids behind `parent`; undefined when there is none, or no more may be read for this prompt. Counts as no use. */
  load(key: string, ids: Uint32Array, parent?: string): BlockFile | undefined {
    const known = this.own.get(key);
    if (known === undefined || known.bytes > this.readable) return undefined;
    this.own.set(key, { ...known, parent });
    this.readable -= known.bytes;
    const bytes = this.folder.read(this.options.store, key, known.bytes);
    const block = bytes && decodeBlock(bytes);
    if (block?.key === key && block.ids.length === ids.length && block.ids.every((id, i) => id === ids[i])) {
      this.read += 1;
      return block;
    }
    if (bytes !== undefined) this.damaged += 1;
    this.lost += 1;
    void this.drop(key).catch(error => this.options.log(`${key}.kv cannot be deleted: ${error}`));
    return undefined;
  }

  has(key: string): boolean {
    return this.own.has(key);
  }

  /** Notes that a block was used, here or in memory, and all that it follows. */
  used(key: string): void {
    let known = this.own.get(key);
    for (let at = key; known !== undefined; known = this.own.get(at)) {
      this.own.delete(at);
      this.own.set(at, { ...known, usedAt: this.tick() });
      if (known.parent === undefined) return;
      at = known.parent;
    }
  }

  /** Has a block behind `parent` written, unless it is or is to be replaced; `source` is called when it is its turn and it was not withdrawn. */
  enqueue(key: string, source: Source, { parent, replace = false }: { readonly parent?: string | undefined; readonly replace?: boolean } = {}): void {
    const known = this.own.get(key);
    if (known !== undefined) this.own.set(key, { ...known, parent });
    if ((known !== undefined && !replace) || Date.now() - this.stoppedAt < RETRY_MS) return;
    this.queue.set(key, { source, parent });
    this.writer ??= this.writeAll().finally(() => (this.writer = undefined));
  }

  withdraw(key: string): void {
    this.queue.delete(key);
  }

  /** Deletes all blocks of this store. */
  async clear(): Promise<void> {
    this.generation += 1;
    this.queue.clear();
    try {
      await Promise.all([...this.own.keys()].map(key => this.drop(key)));
    } catch (error) {
      this.options.log(`stored prefixes in ${this.options.directory} cannot be deleted: ${error}`);
    }
  }

  /** Writes what waits, as far as that goes within the time. */
  async close(milliseconds: number): Promise<void> {
    await Promise.race([this.writer, Bun.sleep(milliseconds)]);
    this.queue.clear();
    await this.writer;
    await this.saveOrder();
  }

  private async writeAll(): Promise<void> {
    for (;;) {
      await nextTurn();
      const next = this.queue.entries().next().value;
      if (next === undefined) break;
      const [key, { source, parent }] = next;
      this.queue.delete(key);
      if (parent !== undefined && !this.own.has(parent)) continue; // nobody would find it
      try {
        await this.write(key, encodeBlock({ key, ...source() }), parent);
      } catch (error) {
        this.stop(messageOf(error));
      }
    }
    if (Date.now() - this.savedAt > SAVE_MS) await this.saveOrder();
  }

  private async write(key: string, bytes: Uint8Array, parent: string | undefined): Promise<void> {
    const { options, generation } = this;
    const free = await (options.freeBytes?.() ?? freeBytes(options.directory));
    if (free < RESERVE_BYTES + bytes.length) return this.stop(`less than ${RESERVE_BYTES / 1e9} GB of the disk are free`);
    if (bytes.length > options.maxBytes) return this.stop("a block is larger than --ssd-cache-max-gb");
    if (parent !== undefined) this.used(parent);
    if (!(await this.makeRoom(bytes.length, parent))) return;
    await this.folder.write(options.store, key, bytes);
    if (generation !== this.generation) return this.folder.delete(options.store, key);
    this.add(key, { bytes: bytes.length, usedAt: 0, parent });
    this.used(key);
    this.written += 1;
    if (this.stopped !== undefined) options.log(`stored prefixes are written to ${options.directory} again`);
    this.stopped = undefined;
  }

  /**
   * Deletes what was not used for longest, of all stores, until so many bytes more stay within the cap; false when that would
   * delete `kept`.
   */
  private async makeRoom(bytes: number, kept?: string): Promise<boolean> {
    const { maxBytes } = this.options;
    if (Date.now() - this.scannedAt > RESCAN_MS) await this.takeStock();
    while (this.ownBytes + this.otherBytes + bytes > maxBytes) {
      const [key, own] = this.own.entries().next().value ?? [];
      const other = this.others[0];
      if (key !== undefined && (other === undefined || own!.usedAt <= other.usedAt)) {
        if (key === kept) return false;
        await this.drop(key);
      } else if (other === undefined) return false;
      else {
        this.others.shift();
        this.otherBytes -= other.bytes;
        await this.folder.delete(other.store, other.key);
      }
    }
    return true;
  }

  /** What the folder holds now: other engines write into it and delete from it, also with the same model. */
  private async takeStock(): Promise<void> {
    this.scannedAt = Date.now();
    const { generation, options } = this;
    const files = (await this.folder.scan()).sort((a, b) => a.usedAt - b.usedAt);
    this.others = files.filter(({ store }) => store !== options.store);
    this.otherBytes = this.others.reduce((sum, { bytes }) => sum + bytes, 0);
    if (generation !== this.generation) return;
    const own = new Map(files.filter(({ store }) => store === options.store).map(file => [file.key, file]));
    for (const [key, { bytes }] of [...this.own]) {
      if (own.delete(key)) continue;
      this.ownBytes -= bytes;
      this.own.delete(key);
    }
    for (const { key, bytes, usedAt } of own.values()) this.add(key, { bytes, usedAt, parent: undefined, savedAt: usedAt });
  }

  private add(key: string, known: Known): void {
    this.ownBytes += known.bytes - (this.own.get(key)?.bytes ?? 0);
    this.own.set(key, known);
  }

  private tick(): number {
    return (this.clock = Math.max(Date.now(), this.clock + TICK_MS));
  }

  private async saveOrder(): Promise<void> {
    this.savedAt = Date.now();
    try {
      for (const [key, { usedAt, savedAt }] of [...this.own]) {
        if (usedAt === savedAt) continue;
        await this.folder.setTime(this.options.store, key, usedAt);
        const known = this.own.get(key);
        if (known !== undefined) this.own.set(key, { ...known, savedAt: usedAt });
      }
    } catch (error) {
      this.options.log(`the order of use cannot be kept in ${this.options.directory}: ${messageOf(error)}`);
    }
  }

  private drop(key: string): Promise<void> {
    this.ownBytes -= this.own.get(key)!.bytes;
    this.own.delete(key);
    return this.folder.delete(this.options.store, key);
  }

  /** Says once why nothing is written, and gives up what waits; it is tried again after a while. */
  private stop(reason: string): void {
    if (this.stopped !== reason) this.options.log(`stored prefixes are no longer written to ${this.options.directory}: ${reason}`);
    this.stopped = reason;
    this.stoppedAt = Date.now();
    this.queue.clear();
  }
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
