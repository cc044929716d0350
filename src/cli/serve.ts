// `pippin serve`: the settings, one engine process with its model, and the HTTP side before it.
// The engine is started first and loads its model while this process still imports and opens what it needs itself.
import { existsSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { locateAssets, ownCommand } from "../assets/locate.ts";
import { cacheFolder, readServeConfig, useColor } from "../config.ts";
import { EngineRefused } from "../engine/child.ts";
import { EngineProcess } from "../engine/client.ts";
import { EngineError } from "../engine/error.ts";
import { readPeak, writePeak } from "../monitor/runtime-mode.ts";
import { engineOptions, runtimeMode } from "./engine-options.ts";
import { CliError, exitCodes } from "./error.ts";
import { startBlock } from "./start-block.ts";

export const BUILT_IN = "pippin-mini";
const NOTICE_MS = 300; // a stop that takes longer is explained
const GRACE_SECONDS = 5; // after the last answer is computed, for clients that still read it

export async function serve(args: readonly string[]): Promise<void> {
  const { config, warnings } = readServeConfig(args);
  for (const warning of warnings) console.error(`warning: ${warning}`);
  if (config.modelPath !== undefined) checkModelFolder(config.modelPath);
  const assets = await locateAssets();
  const modelPath = config.modelPath ?? assets.modelPath;
  const id = config.servedModelName ?? (config.modelPath === undefined ? BUILT_IN : basename(resolve(modelPath)));
  const profile = join(cacheFolder(), "runtime_profile.json");
  const mode = runtimeMode(config, readPeak(profile));
  const engine = new EngineProcess({
    command: ownCommand("engine"),
    engine: engineOptions(config, { modelPath, libraryPath: assets.libraryPath }, mode),
    onRestart: delay => console.error(`the engine ended; it is started again in ${delay} ms`),
  });
  engine.ready.catch(() => {}); // it may be refused while the imports below run; then it is waited for
  try {
    const { openHttp } = await import("./open-http.ts");
    const listener = openHttp(config, { engine, id, modelPath });
    const info = await engine.ready;
    const stopped = firstSignal(engine);
    process.stdout.write(
      startBlock(
        { id, info, batching: `${mode.mode}: ${mode.reason}`, url: listener.url, apiKey: config.apiKey !== undefined },
        useColor(process.stdout),
      ),
    );
    await stopped;
    await recordPeak(engine, profile);
    await drain(engine);
    await listener.stop(GRACE_SECONDS);
    process.exit(0);
  } catch (error) {
    await engine.close();
    throw error instanceof EngineRefused ? new CliError(error.message, error.exitCode) : error;
  }
}

/** Throws CliError unless there is a model folder. */
export function checkModelFolder(path: string): void {
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

/** For --runtime-mode auto of the next run. Nothing depends on it, so that a full disk is only told. */
async function recordPeak(engine: EngineProcess, profile: string): Promise<void> {
  try {
    writePeak(profile, (await engine.stats()).peakConcurrency, Date.now());
  } catch (error) {
    if (!(error instanceof EngineError)) console.error(`warning: ${profile} cannot be written: ${String(error)}`);
  }
}

/** Running answers finish and new requests are refused. */
async function drain(engine: EngineProcess): Promise<void> {
  const notice = setTimeout(() => console.error("stopping: running answers finish first; a second signal stops at once"), NOTICE_MS);
  await engine.drain();
  clearTimeout(notice);
}
