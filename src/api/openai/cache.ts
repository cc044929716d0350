// What is stored of earlier prompts, under the names that vllm-mlx gives to it.
import type { DiskStats, PrefixStats } from "../../engine/protocol.ts";

const MEGABYTE = 1_000_000;

export function toCacheStats(stats: PrefixStats | undefined) {
  if (stats === undefined) return { enabled: false };
  const { hits, misses, maxBytes, bytes } = stats;
  return {
    enabled: true,
    strategy: stats.strategy,
    hits,
    misses,
    hit_rate: rounded(hits / Math.max(1, hits + misses)),
    evictions: stats.evictions,
    tokens_saved: stats.tokensSaved,
    current_memory_mb: rounded(bytes / MEGABYTE),
    max_memory_mb: rounded(maxBytes / MEGABYTE),
    memory_utilization: rounded(bytes / maxBytes),
    entry_count: stats.chains,
    max_entries: stats.maxChains ?? null,
    block_size: stats.blockSize,
    allocated_blocks: stats.blocks,
    max_blocks: stats.maxBlocks ?? null,
    ssd: stats.onDisk ? toDiskStats(stats.onDisk) : null,
  };
}

function toDiskStats({ blocks, bytes, maxBytes, waiting, written, read, damaged, stopped }: DiskStats) {
  return {
    blocks,
    current_gb: rounded(bytes / 1e9),
    max_gb: rounded(maxBytes / 1e9),
    blocks_waiting: waiting,
    blocks_written: written,
    blocks_read: read,
    blocks_damaged: damaged,
    stopped: stopped ?? null,
  };
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
