// `pippin serve`: the settings, one engine process with its model, and the HTTP side before it.
// The engine is started first and loads its model while this process still imports and opens what it needs itself.
import { existsSync, statSync } from "node:fs";
import { freemem } from "node:os";
import { basename, join, resolve } from "node:path";
import { locateAssets, ownCommand } from "../assets/locate.ts";
import { cacheLimits } from "../cache/strategy.ts";
import { readServeConfig, useColor, type ServeConfig } from "../config.ts";
import { EngineRefused } from "../engine/child.ts";
import { EngineProcess } from "../engine/client.ts";
import { CliError, exitCodes } from "./error.ts";
import { startBlock } from "./start-block.ts";

const BUILT_IN = "pippin-mini";
const NOTICE_MS = 300; // a stop that takes longer is explained
const GRACE_SECONDS = 5; // after the last answer is computed, for clients that still read it

export async function serve(args: readonly string[]): Promise<void> {
  const { config, warnings } = readServeConfig(args);
  for (const warning of warnings) console.error(`warning: ${warning}`);
  if (config.modelPath !== undefined) checkModelFolder(config.modelPath);
  const assets = await locateAssets();
  const modelPath = config.modelPath ?? assets.modelPath;
  const id = config.servedModelName ?? (config.modelPath === undefined ? BUILT_IN : basename(resolve(modelPath)));
  const engine = new EngineProcess({
    command: ownCommand("engine"),
    engine: engineOptions(config, modelPath, assets.libraryPath),
    onRestart: delay => console.error(`the engine ended; it is started again in ${delay} ms`),
  });
  engine.ready.catch(() => {}); // it may be refused while the imports below run; then it is waited for
  try {
    const { openHttp } = await import("./open-http.ts");
    const listener = openHttp(config, { engine, id, modelPath });
    const info = await engine.ready;
    const stopped = firstSignal(engine);
    process.stdout.write(startBlock({ id, info, url: listener.url, apiKey: config.apiKey !== undefined }, useColor(process.stdout)));
    await stopped;
    await drain(engine);
    await listener.stop(GRACE_SECONDS);
    process.exit(0);
  } catch (error) {
    await engine.close();
    throw error instanceof EngineRefused ? new CliError(error.message, error.exitCode) : error;
  }
}

function engineOptions(config: ServeConfig, modelPath: string, libraryPath: string) {
  const prefixCache = cacheLimits(config, freemem());
  const maxLength = Math.min(config.maxModelLen ?? Infinity, config.maxKvSize ?? Infinity);
  return {
    modelPath,
    libraryPath,
    device: config.device,
    maxRows: Math.min(config.maxNumSeqs, config.completionBatchSize ?? Infinity),
    maxQueue: config.maxQueue,
    prefillChunk: config.chunkedPrefillTokens,
    prefillRows: config.prefillBatchSize,
    ...(prefixCache && { prefixCache }),
    memoryUtilization: config.gpuMemoryUtilization,
    ...(maxLength !== Infinity && { maxModelLen: maxLength }),
  };
}

function checkModelFolder(path: string): void {
  if (!existsSync(path)) {
    const hub = /^[\w.-]+\/[\w.-]+$/.test(path) ? "; models cannot be downloaded by name yet, give the folder of a downloaded one" : "";
    throw new CliError(`there is no model folder ${path}${hub}`, exitCodes.notFound);
  }
  if (!statSync(path).isDirectory()) throw new CliError(`${path} is a file; give the folder that it is in`, exitCodes.notFound);
  if (!existsSync(join(path, "config.json"))) throw new CliError(`${path} is not a model folder: it has no config.json`, exitCodes.notFound);
}

/** Resolves with the first signal to stop; a second one ends everything at once. */
function firstSignal(engine: EngineProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = () => {
    if (++signals === 1) return resolve();
    void engine.close().then(() => process.exit(exitCodes.interrupted));
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return promise;
}

/** Running answers finish and new requests are refused. */
async function drain(engine: EngineProcess): Promise<void> {
  const notice = setTimeout(() => console.error("stopping: running answers finish first; a second signal stops at once"), NOTICE_MS);
  await engine.drain();
  clearTimeout(notice);
}
