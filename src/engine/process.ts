// An engine process: one model, one thread, MLX. Started by client.ts with the hidden command `engine`; speaks over IPC.
import * as mx from "../mx/index.ts";
import { PrefixStore } from "../kv/prefix-store.ts";
import { withQuantizedKv } from "../kv/quantization.ts";
import { carriesStates } from "../kv/recurrent.ts";
import { loadModel, type LoadedModel } from "../models/load.ts";
import type { DiskTier } from "../cache/disk.ts";
import { Divergence } from "../monitor/divergence.ts";
import { Pressure } from "../monitor/pressure.ts";
import { Pace } from "../scheduler/pace.ts";
import { openInbox, refuse, send } from "./channel.ts";
import { EngineLoop } from "./loop.ts";
import { openDiskTier } from "./open-disk.ts";
import { counters, openMemory } from "./open-memory.ts";
import type { EngineOptions, ToEngine } from "./protocol.ts";
import { bitsOf } from "../weights/packing.ts";
import { checkRoom } from "./room.ts";
import { Runner } from "./runner.ts";
import { warmUp } from "./warm-up.ts";
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
    checkRoom(options.modelPath, limit, options.packing && bitsOf(options.packing));
    const loaded = loadServed(options);
    const { model, info } = loaded;
    const contextLength = Math.min(options.maxModelLen ?? Infinity, info.contextLength);
    const careful = options.deterministic && device === "gpu"; // on the CPU rows are independent of each other anyway
    const prefixes = options.prefixCache && !careful ? new PrefixStore(options.prefixCache, carriesStates(model.layout)) : undefined;
    const runner = new Runner(model, prefixes);
    if (device === "gpu") warmUp(runner, contextLength);
    const disk = prefixes && (await openDiskTier(options, model.layout, prefixes)); // behind the warm-up, whose prompts are nobody's
    const loop = openLoop(options, { loaded, runner, limit, contextLength, careful });
    send({ type: "ready", info: { ...info, contextLength, device } });
    return { loop, disk };
  } catch (error) {
    refuse(error);
    return undefined;
  }
}

function loadServed({ modelPath, packing, window, adapters, kvQuantization, prefixCache }: EngineOptions): LoadedModel {
  const loaded = loadModel(modelPath, { packing, window, adapters });
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
  readonly limit: number; // bytes
  readonly contextLength: number;
  readonly careful: boolean; // one row at a time, read in the same chunks whenever
}

function openLoop(options: EngineOptions, { loaded, runner, limit, contextLength, careful }: Opened): EngineLoop {
  const { maxRows, maxQueue, prefillRows, prefillChunk, prefillStallMs, streamInterval, widenAt } = options;
  const { prefillStep = PREFILL_STEP[loaded.info.device] } = options;
  return new EngineLoop(runner, {
    limits: { maxRows: careful ? 1 : maxRows, maxQueue, prefillRows, prefillChunk: prefillStep, contextLength },
    vocabSize: loaded.model.vocabSize,
    send,
    deviceStats: counters,
    memory: openMemory(loaded, runner, limit, prefillStep),
    ...(!careful && { pace: new Pace({ most: prefillStep, fixed: prefillChunk, stallMs: prefillStallMs, fewForms: mx.backend() === "cuda" }) }),
    ...(widenAt !== undefined && { widenAt }),
    streamInterval,
    watch: openWatch(options, loaded),
  });
}
