// The memory of a loaded model's engine: its limit, and the ledger that keeps to it.
import { Ledger } from "../cache/ledger.ts";
import { rowsCost } from "../kv/cost.ts";
import type { LoadedModel } from "../models/load.ts";
import * as mx from "../mx/index.ts";
import { Memory, type DeviceCounters, type Holder } from "./memory.ts";

/** Metal refuses to hold more than 499,000 buffers. */
const METAL_BUFFERS = 450_000;

/** What a step takes beyond what is kept, before it was measured: per id that is read, and per logit of a row that draws. */
const WORK_PER_ID = 64 * 1024;
const WORK_PER_LOGIT = 24;

/** What MLX keeps for reuse between steps: a small model needs little. */
const ALLOCATOR_SHARE = 1 / 16; // of what may be used
const ALLOCATOR_OF_WEIGHTS = 1 / 2;
const ALLOCATOR_LEAST = 16 * 2 ** 20;

/** `chunk` is the most ids that a step reads. Sets MLX's own limits as well. */
export function openMemory({ model, weights }: LoadedModel, holder: Holder, limit: number, chunk: number): Memory {
  if (mx.device() === "gpu") mx.setMemoryLimit(limit);
  mx.setCacheLimit(Math.floor(Math.min(limit * ALLOCATOR_SHARE, Math.max(ALLOCATOR_LEAST, weights.bytes * ALLOCATOR_OF_WEIGHTS))));
  const ledger = new Ledger({
    limit,
    maxBuffers: process.platform === "darwin" ? METAL_BUFFERS : Infinity,
    weights: weights.bytes,
    rows: rowsCost(model.layout, mx.device() === "cpu" ? 4 : 2),
    chunk,
    workPerId: WORK_PER_ID,
    workPerStep: model.vocabSize * WORK_PER_LOGIT,
  });
  return new Memory(ledger, holder, { counters, clearCache: mx.clearCache, resetPeak: mx.resetPeakMemory });
}

export function counters(): DeviceCounters {
  return { liveHandles: mx.liveHandles(), activeBytes: mx.activeMemory(), peakBytes: mx.peakMemory(), cacheBytes: mx.cacheMemory() };
}
