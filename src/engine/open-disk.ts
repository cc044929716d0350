// The disk tier of an engine's stored prefixes.
import { storeDigest } from "../cache/block-key.ts";
import { DiskTier } from "../cache/disk.ts";
import { DiskBlocks } from "../kv/disk-blocks.ts";
import type { PrefixStore } from "../kv/prefix-store.ts";
import type { LayerLayout } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import { adapterFingerprint, readAdapter } from "../weights/adapter.ts";
import { fingerprint } from "../weights/fingerprint.ts";
import type { EngineOptions } from "./protocol.ts";

/** Counts changes in this program that change stored numbers. */
const NUMBERS = 1;

/** Undefined where none is asked for. Throws DiskError. */
export async function openDiskTier(
  { modelPath, adapters = [], prefixCache }: EngineOptions,
  layout: readonly LayerLayout[],
  prefixes: PrefixStore,
): Promise<DiskTier | undefined> {
  if (prefixCache?.disk === undefined) return undefined;
  const { blockSize } = prefixes;
  const beside = adapters.length > 0 && { adapters: adapters.map(folder => adapterFingerprint(readAdapter(folder))) };
  const made = { numbers: NUMBERS, mlx: mx.mlxVersion(), device: mx.device() };
  const store = storeDigest({ ...made, model: fingerprint(modelPath), layout, blockSize, ...beside });
  const tier = await DiskTier.open({ ...prefixCache.disk, store, log: line => console.error(line) });
  prefixes.attach(new DiskBlocks(tier, store));
  return tier;
}
