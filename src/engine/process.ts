// An engine process: one model, one thread, MLX. Started by client.ts with the hidden command `engine`; speaks over IPC.
import * as mx from "../mx/index.ts";
import { PrefixStore } from "../kv/prefix-store.ts";
import { isRecurrent } from "../kv/recurrent.ts";
import { rowsCost } from "../kv/cost.ts";
import { loadModel, type LoadedModel } from "../models/load.ts";
import { Ledger } from "../cache/ledger.ts";
import { openInbox, refuse, send } from "./channel.ts";
import { EngineLoop } from "./loop.ts";
import { Memory } from "./memory.ts";
import type { EngineOptions, ToEngine } from "./protocol.ts";
import { checkRoom } from "./room.ts";
import { Runner } from "./runner.ts";
import { warmUp } from "./warm-up.ts";

/** Metal refuses to hold more than 499,000 buffers. */
const METAL_BUFFERS = 450_000;

/** What a step takes beyond what is kept, before it was measured: per id that is read, and per logit of a row that draws. */
const WORK_PER_ID = 64 * 1024;
const WORK_PER_LOGIT = 24;
const ALLOCATOR_SHARE = 1 / 16; // of what may be used: for reuse between steps

/** Runs until the parent says drain or goes away. Never throws: what went wrong is sent as `refused`. */
export async function runEngineProcess(): Promise<void> {
  const { options, forward } = await openInbox<EngineOptions, ToEngine>();
  const loop = start(options);
  if (loop === undefined) return;
  forward(message => loop.receive(message));
  await loop.run();
  process.exit(0);
}

function start(options: EngineOptions): EngineLoop | undefined {
  try {
    const device = mx.openLibrary(options.libraryPath, options.device);
    const limit = Math.floor(mx.deviceMemory() * options.memoryUtilization);
    checkRoom(options.modelPath, limit);
    const loaded = loadModel(options.modelPath);
    const { model, info } = loaded;
    const contextLength = Math.min(options.maxModelLen ?? Infinity, info.contextLength);
    const isStored = !model.layout.some(isRecurrent); // states have no positions to begin at
    const prefixes = isStored ? options.prefixCache && new PrefixStore(options.prefixCache) : undefined;
    const runner = new Runner(model, prefixes);
    if (device === "gpu") warmUp(runner, contextLength);
    const { maxRows, maxQueue, prefillChunk } = options;
    const limits = { maxRows, maxQueue, prefillChunk, contextLength };
    const memory = new Memory(openLedger(loaded, limit, prefillChunk), runner, {
      counters,
      clearCache: mx.clearCache,
      resetPeak: mx.resetPeakMemory,
    });
    const loop = new EngineLoop(runner, { limits, vocabSize: model.vocabSize, send, deviceStats: counters, memory });
    send({ type: "ready", info: { ...info, contextLength, device } });
    return loop;
  } catch (error) {
    refuse(error);
    return undefined;
  }
}

function openLedger({ model, weights }: LoadedModel, limit: number, chunk: number): Ledger {
  if (mx.device() === "gpu") mx.setMemoryLimit(limit);
  mx.setCacheLimit(Math.floor(limit * ALLOCATOR_SHARE));
  return new Ledger({
    limit,
    maxBuffers: process.platform === "darwin" ? METAL_BUFFERS : Infinity,
    weights: weights.bytes,
    rows: rowsCost(model.layout, mx.device() === "cpu" ? 4 : 2),
    chunk,
    workPerId: WORK_PER_ID,
    workPerStep: model.vocabSize * WORK_PER_LOGIT,
  });
}

function counters() {
  return { liveHandles: mx.liveHandles(), activeBytes: mx.activeMemory(), peakBytes: mx.peakMemory(), cacheBytes: mx.cacheMemory() };
}
