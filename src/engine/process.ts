// An engine process: one model, one thread, MLX. Started by client.ts with the hidden command `engine`; speaks over IPC.
import * as mx from "../mx/index.ts";
import { PrefixStore } from "../kv/prefix-store.ts";
import { loadModel } from "../models/load.ts";
import { CheckpointError } from "../weights/error.ts";
import { EngineLoop } from "./loop.ts";
import type { EngineOptions, FromEngine, ToEngine } from "./protocol.ts";
import { Runner } from "./runner.ts";
import { warmUp } from "./warm-up.ts";

const EXIT_CHECKPOINT = 1;

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
    const { model, info } = loadModel(options.modelPath);
    const contextLength = Math.min(options.maxModelLen ?? Infinity, info.contextLength);
    const prefixes = options.prefixCache && new PrefixStore(options.prefixCache);
    const runner = new Runner(model, prefixes);
    if (device === "gpu") warmUp(runner, contextLength);
    const { maxRows, maxQueue, prefillChunk } = options;
    const limits = { maxRows, maxQueue, prefillChunk, contextLength };
    const loop = new EngineLoop(runner, { limits, vocabSize: model.vocabSize, send, deviceStats });
    send({ type: "ready", info: { ...info, contextLength, device } });
    return loop;
  } catch (error) {
    refuse(error);
    return undefined;
  }
}

function refuse(error: unknown): void {
  const known = error instanceof CheckpointError || error instanceof mx.MxError;
  if (!known) console.error(error);
  send({ type: "refused", exitCode: EXIT_CHECKPOINT, message: error instanceof Error ? error.message : String(error) });
  setTimeout(() => process.exit(EXIT_CHECKPOINT), 50); // after the message has left
}

function send(message: FromEngine): void {
  process.send!(message);
}

function deviceStats() {
  return { liveHandles: mx.liveHandles(), activeBytes: mx.activeMemory(), peakBytes: mx.peakMemory(), cacheBytes: mx.cacheMemory() };
}
