// Stored blocks on their way to the disk tier and back.
import { blockKey } from "../cache/block-key.ts";
import type { DiskTier } from "../cache/disk.ts";
import type { DiskStats } from "../engine/protocol.ts";
import * as mx from "../mx/index.ts";
import { BlockFormat, type StoredBlock } from "./block.ts";

export class DiskBlocks {
  constructor(
    private readonly tier: DiskTier,
    private readonly store: string, // its digest
  ) {}

  get stats(): DiskStats {
    return this.tier.stats;
  }

  get lost(): number {
    return this.tier.lost;
  }

  has(key: string): boolean {
    return this.tier.has(key);
  }

  /** The keys of the full blocks of `ids`. */
  keys(ids: Uint32Array, blockSize: number): string[] {
    const keys: string[] = [];
    for (let end = blockSize; end <= ids.length; end += blockSize) keys.push(blockKey(keys.at(-1) ?? this.store, ids.subarray(end - blockSize, end)));
    return keys;
  }

  /** Allows the next prompt its share of reading. */
  nextPrompt(): void {
    this.tier.nextPrompt();
  }

  /** The block of `ids` behind another; its tensor is kept. */
  load(parent: StoredBlock | undefined, ids: Uint32Array): StoredBlock | undefined {
    const key = blockKey(parent?.key ?? this.store, ids);
    const file = this.tier.load(key, ids, parent?.key);
    const format = file && BlockFormat.read(file.format);
    if (format === undefined || format.dataBytes(ids.length) !== file!.data.byteLength) return undefined;
    const data = mx.scope(() => mx.keep(mx.fromArray(file!.data, [file!.data.length])));
    return { data, tokens: ids.length, format, bytes: format.bytes(ids.length), key, parent: parent?.key };
  }

  /** Has a full block written as soon as there is time; with a snapshot also in the place of what was written without one. */
  enqueue({ key, parent, data, format }: StoredBlock, ids: Uint32Array): void {
    if (key === undefined) return;
    this.tier.enqueue(key, () => ({ ids: [...ids], format, data: mx.toUint32(data) }), { parent, replace: format.snapshot !== undefined });
  }

  /** Notes that a chain was used. */
  used(chain: readonly StoredBlock[]): void {
    const last = chain.findLast(({ key }) => key !== undefined);
    if (last !== undefined) this.tier.used(last.key!);
  }

  /** The block leaves memory; what is not written by now never is. */
  withdraw({ key }: StoredBlock): void {
    if (key !== undefined) this.tier.withdraw(key);
  }

  clear(): Promise<void> {
    return this.tier.clear();
  }
}
