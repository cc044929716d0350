// The settings as an engine process gets them.
import { freemem } from "node:os";
import { cacheLimits } from "../cache/strategy.ts";
import type { ServeConfig } from "../config.ts";
import type { EngineOptions, KvQuantizationOptions } from "../engine/protocol.ts";
import { adapterFolders } from "./adapter-list.ts";
import { decideMode, type Mode } from "../monitor/runtime-mode.ts";

/** How many rows run together, given what earlier runs have seen. */
export function runtimeMode(config: ServeConfig, observed: number | undefined): Mode {
  const { runtimeMode: requested, runtimeModeThreshold: threshold, continuousBatching, deterministic } = config;
  return decideMode({ requested, threshold, continuousBatching, deterministic, observed });
}

export function engineOptions(config: ServeConfig, files: { readonly modelPath: string; readonly libraryPath: string }, mode: Mode): EngineOptions {
  const prefixCache = cacheLimits(config, freemem());
  const maxLength = Math.min(config.maxModelLen ?? Infinity, config.maxKvSize ?? Infinity);
  const alone = mode.mode === "simple" && mode.widenAt === undefined;
  return {
    ...files,
    device: config.device,
    warmUp: config.warmUp,
    ...(config.quantize !== "none" && { packing: { name: config.quantize, groupSize: config.quantizeGroupSize } }),
    ...(config.adapterPath.length > 0 && { adapters: adapterFolders(config) }),
    ...(config.gemma3SlidingWindow !== undefined && { window: config.gemma3SlidingWindow }),
    maxRows: alone ? 1 : Math.min(config.maxNumSeqs, config.completionBatchSize ?? Infinity),
    maxQueue: config.maxQueue,
    ...(config.prefillStepSize !== undefined && { prefillStep: config.prefillStepSize }),
    ...(config.chunkedPrefillTokens > 0 && { prefillChunk: config.chunkedPrefillTokens }),
    prefillStallMs: config.prefillStallMs,
    prefillRows: config.prefillBatchSize,
    ...(mode.widenAt !== undefined && { widenAt: mode.widenAt }),
    deterministic: config.deterministic,
    streamInterval: config.streamInterval,
    pressure: {
      warnPercent: config.memoryWarnThreshold,
      limitPercent: config.memoryLimitThreshold,
      action: config.memoryAction,
      intervalMs: config.memoryMonitorInterval * 1000,
    },
    ...(config.batchDivergenceMonitor && {
      divergence: {
        intervalMs: config.batchDivergenceInterval * 1000,
        threshold: config.batchDivergenceThreshold,
        action: config.batchDivergenceAction,
      },
    }),
    ...(prefixCache && { prefixCache }),
    ...(config.kvCacheQuantization && { kvQuantization: kvQuantization(config) }),
    memoryUtilization: config.gpuMemoryUtilization,
    ...(maxLength !== Infinity && { maxModelLen: maxLength }),
  };
}

function kvQuantization(config: ServeConfig): KvQuantizationOptions {
  return {
    bits: config.kvCacheQuantizationBits === "4" ? 4 : 8,
    groupSize: Number(config.kvCacheQuantizationGroupSize),
    minTokens: config.kvCacheMinQuantizeTokens,
  };
}
