// An engine process: one model, one thread, MLX. Started by client.ts with the hidden command `engine`; speaks over IPC.
import * as mx from "../mx/index.ts";
import { PrefixStore } from "../kv/prefix-store.ts";
import { withQuantizedKv } from "../kv/quantization.ts";
import { carriesStates } from "../kv/recurrent.ts";
import type { Model } from "../models/model.ts";
import { loadModel, readCheckpoint, type LoadedModel } from "../models/load.ts";
import type { DiskTier } from "../cache/disk.ts";
import { Divergence } from "../monitor/divergence.ts";
import { Pressure } from "../monitor/pressure.ts";
import { Pace } from "../scheduler/pace.ts";
import type { Memory } from "./memory.ts";
import { openInbox, refuse, send } from "./channel.ts";
import { EngineLoop } from "./loop.ts";
import { openDiskTier } from "./open-disk.ts";
import { counters, openMemory } from "./open-memory.ts";
import type { EngineOptions, ToEngine } from "./protocol.ts";
import { bitsOf } from "../weights/packing.ts";
import { checkRoom } from "./room.ts";
import { Runner } from "./runner.ts";
import { warmUp } from "./warm-up.ts";
import { warmsUp, type WarmUpLimits } from "./warm-up-stages.ts";
import type { WatchOptions } from "./watch.ts";

const CLOSE_MS = 5000; // for blocks that still wait to be written

/** Runs until the parent says drain or goes away. Never throws: what went wrong is sent as `refused`. */
export async function runEngineProcess(): Promise<void> {
  const { options, forward } = await openInbox<EngineOptions, ToEngine>();
  const started = await start(options);
  if (started === undefined) return;
  const { loop, disk } = started;
  forward(message => loop.receive(message));
  await loop.run();
  await disk?.close(CLOSE_MS);
  process.exit(0);
}

interface Started {
  readonly loop: EngineLoop;
  readonly disk: DiskTier | undefined;
}

async function start(options: EngineOptions): Promise<Started | undefined> {
  try {
    const device = mx.openLibrary(options.libraryPath, options.device);
    const limit = Math.floor(mx.deviceMemory() * options.memoryUtilization);
    const loaded = loadServed(options, limit);
    const { model, info } = loaded;
    const contextLength = Math.min(options.maxModelLen ?? Infinity, info.contextLength);
    const careful = options.deterministic && device === "gpu"; // on the CPU rows are independent of each other anyway
    const prefixes = options.prefixCache && !careful ? new PrefixStore(options.prefixCache, carriesStates(model.layout)) : undefined;
    const disk = prefixes && (await openDiskTier(options, model.layout, prefixes));
    const runner = new Runner(model, prefixes);
    const { prefillStep = PREFILL_STEP[device] } = options;
    const memory = openMemory(loaded, runner, limit, prefillStep);
    const limits = { maxRows: careful ? 1 : options.maxRows, prefillStep, contextLength };
    const warmedUp = await warmUpIfWanted(options, model, limits, memory);
    const loop = openLoop(options, { loaded, runner, memory, limits, careful });
    send({ type: "ready", info: { ...info, contextLength, device, ...warmedUp } });
    return { loop, disk };
  } catch (error) {
    refuse(error, options.modelPath);
    return undefined;
  }
}

function loadServed({ modelPath, packing, window, adapters, kvQuantization, prefixCache }: EngineOptions, limit: number): LoadedModel {
  const choices = { packing, window, adapters };
  const checkpoint = readCheckpoint(modelPath, choices);
  checkRoom(checkpoint.tensors, limit, packing && bitsOf(packing));
  const loaded = loadModel(modelPath, choices, checkpoint);
  if (kvQuantization === undefined) return loaded;
  return { ...loaded, model: withQuantizedKv(loaded.model, kvQuantization, prefixCache?.blockSize ?? 1) };
}

function openWatch({ pressure, divergence }: EngineOptions, { model }: LoadedModel): WatchOptions {
  const log = (line: string): void => console.error(line);
  const { intervalMs, ...thresholds } = pressure;
  return {
    pressure: { monitor: new Pressure({ ...thresholds, totalBytes: mx.deviceMemory(), log }), intervalMs, activeBytes: mx.activeMemory },
    ...(divergence && { divergence: { monitor: new Divergence({ ...divergence, log }), alone: new Runner(model) } }),
  };
}

/** Prompt ids read in a step. MLX's CPU back end keeps all products of queries and keys of a layer in memory. */
const PREFILL_STEP = { cpu: 512, gpu: 2048 };

interface Opened {
  readonly loaded: LoadedModel;
  readonly runner: Runner;
  readonly memory: Memory;
  readonly limits: EngineLimits;
  readonly careful: boolean; // one row at a time, read in the same chunks whenever
}

type EngineLimits = Omit<WarmUpLimits, "fits">;

function openLoop(options: EngineOptions, { loaded, runner, memory, limits, careful }: Opened): EngineLoop {
  const { maxQueue, prefillRows, prefillChunk, prefillStallMs, streamInterval, widenAt } = options;
  const { maxRows, prefillStep, contextLength } = limits;
  return new EngineLoop(runner, {
    limits: { maxRows, maxQueue, prefillRows, prefillChunk: prefillStep, contextLength },
    vocabSize: loaded.model.vocabSize,
    send,
    deviceStats: counters,
    memory,
    ...(!careful && { pace: new Pace({ most: prefillStep, fixed: prefillChunk, stallMs: prefillStallMs }) }),
    ...(widenAt !== undefined && { widenAt }),
    streamInterval,
    watch: openWatch(options, loaded),
  });
}

/** The milliseconds that it took, when it was wanted. */
async function warmUpIfWanted(options: EngineOptions, model: Model, limits: EngineLimits, { ledger }: Memory): Promise<{ warmUpMs?: number }> {
  if (!warmsUp(options.warmUp, mx.device())) return {};
  const tell = (doing: string, stage: number, stages: number): void => send({ type: "warming-up", doing, stage, stages });
  const contextLength = ledger.longest(limits.contextLength);
  return {
    warmUpMs: await warmUp({
      model,
      limits: { ...limits, contextLength, fits: lengths => ledger.fits(lengths, []) },
      tell,
      prefixCache: options.prefixCache,
    }),
  };
}
