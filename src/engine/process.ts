// An engine process: one model, one thread, MLX. Started by client.ts with the hidden command `engine`; speaks over IPC.
import * as mx from "../mx/index.ts";
import { PrefixStore } from "../kv/prefix-store.ts";
import { isRecurrent } from "../kv/recurrent.ts";
import { rowsCost } from "../kv/cost.ts";
import { loadModel, type LoadedModel } from "../models/load.ts";
import { CheckpointError } from "../weights/error.ts";
import { Ledger, size } from "../cache/ledger.ts";
import { readTensors } from "../weights/checkpoint.ts";
import { EngineLoop } from "./loop.ts";
import { Memory } from "./memory.ts";
import type { EngineOptions, FromEngine, ToEngine } from "./protocol.ts";
import { Runner } from "./runner.ts";
import { warmUp } from "./warm-up.ts";

const EXIT_CHECKPOINT = 1;
const EXIT_MEMORY = 4;

/** Metal refuses to hold more than 499,000 buffers. */
const METAL_BUFFERS = 450_000;

/** What a step takes beyond what is kept, before it was measured: per id that is read, and per logit of a row that draws. */
const WORK_PER_ID = 64 * 1024;
const WORK_PER_LOGIT = 24;
const ALLOCATOR_SHARE = 1 / 16; // of what may be used: for reuse between steps

/** Runs until the parent says drain or goes away. Never throws: what went wrong is sent as `refused`. */
export async function runEngineProcess(): Promise<void> {
  // A terminal signals the whole process group; when to stop is the parent's decision alone.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("disconnect", () => process.exit(0));
  const messages: ToEngine[] = [];
  let receive = (message: ToEngine): void => void messages.push(message);
  const options = await new Promise<EngineOptions>(resolve => {
    process.once("message", first => {
      process.on("message", message => receive(message as ToEngine));
      resolve(first as EngineOptions);
    });
  });
  const loop = start(options);
  if (loop === undefined) return;
  receive = message => loop.receive(message);
  messages.forEach(receive);
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

class NoRoom extends Error {}

/** Before anything is read: weights that do not fit are refused, because a system that is out of memory may not say so. */
function checkRoom(folder: string, limit: number): void {
  const bytes = [...readTensors(folder).values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
  if (bytes > limit)
    throw new NoRoom(
      `the weights have ${size(bytes)} and ${size(limit)} may be used: give --gpu-memory-utilization, or a checkpoint with fewer bits`,
    );
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

function refuse(error: unknown): void {
  const known = error instanceof CheckpointError || error instanceof mx.MxError || error instanceof NoRoom;
  if (!known) console.error(error);
  const exitCode = error instanceof NoRoom ? EXIT_MEMORY : EXIT_CHECKPOINT;
  send({ type: "refused", exitCode, message: error instanceof Error ? error.message : String(error) });
  setTimeout(() => process.exit(exitCode), 50); // after the message has left
}

function send(message: FromEngine): void {
  process.send!(message);
}

function counters() {
  return { liveHandles: mx.liveHandles(), activeBytes: mx.activeMemory(), peakBytes: mx.peakMemory(), cacheBytes: mx.cacheMemory() };
}
