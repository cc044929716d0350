// The names under which other servers set the size of a prefix cache, and the limits of the one store that they mean here.
import type { PrefixCacheOptions } from "../engine/protocol.ts";

export interface CacheSettings {
  readonly cacheStrategy: "auto" | "memory-aware" | "paged" | "legacy";
  readonly disablePrefixCache: boolean;
  readonly usePagedCache: boolean;
  readonly noMemoryAwareCache: boolean;
  readonly cacheMemoryMb: number | undefined;
  readonly cacheMemoryPercent: number;
  readonly pagedCacheBlockSize: number;
  readonly maxCacheBlocks: number | undefined;
  readonly prefixCacheSize: number | undefined;
  readonly ssdCacheDir: string | undefined;
  readonly ssdCacheMaxGb: number;
}

export type Strategy = "memory-aware" | "paged" | "legacy" | "disabled";

const LEAST_BYTES = 100_000_000; // of a share, so that a machine without free memory still stores something
const PAGED_BLOCKS = 1000;
const LEGACY_CHAINS = 100;

/** A strategy that is named wins over the switches; `auto` is memory-aware unless they say otherwise. */
export function resolveStrategy(settings: CacheSettings): Strategy {
  if (settings.cacheStrategy !== "auto") return settings.cacheStrategy;
  if (settings.disablePrefixCache) return "disabled";
  if (settings.usePagedCache) return "paged";
  return settings.noMemoryAwareCache ? "legacy" : "memory-aware";
}

/** Bytes always limit the store; blocks and stored sequences where the strategy or a setting says so. Undefined: nothing is stored. */
export function cacheLimits(settings: CacheSettings, freeBytes: number): PrefixCacheOptions | undefined {
  const strategy = resolveStrategy(settings);
  if (strategy === "disabled") return undefined;
  const { cacheMemoryMb, cacheMemoryPercent, ssdCacheDir, ssdCacheMaxGb } = settings;
  const maxBlocks = settings.maxCacheBlocks ?? (strategy === "paged" ? PAGED_BLOCKS : undefined);
  const maxChains = settings.prefixCacheSize ?? (strategy === "legacy" ? LEGACY_CHAINS : undefined);
  return {
    strategy,
    blockSize: settings.pagedCacheBlockSize,
    maxBytes: cacheMemoryMb === undefined ? Math.max(Math.floor(freeBytes * cacheMemoryPercent), LEAST_BYTES) : cacheMemoryMb * 1_000_000,
    ...(maxBlocks !== undefined && { maxBlocks }),
    ...(maxChains !== undefined && { maxChains }),
    ...(ssdCacheDir !== undefined && { disk: { directory: ssdCacheDir, maxBytes: Math.floor(ssdCacheMaxGb * 1e9) } }),
  };
}
