// `pippin serve`: the settings, one engine process with its model, and the HTTP side before it.
// The engine is started first and loads its model while this process still imports and opens what it needs itself.
import { basename, join, resolve } from "node:path";
import { locateAssets, ownCommand } from "../assets/locate.ts";
import { cacheFolder, readServeConfig, useColor } from "../config.ts";
import { EngineRefused } from "../engine/child.ts";
import { EngineProcess } from "../engine/client.ts";
import { EngineError } from "../engine/error.ts";
import { readPeak, writePeak } from "../monitor/runtime-mode.ts";
import { engineOptions, runtimeMode } from "./engine-options.ts";
import { CliError, exitCodes } from "./error.ts";
import { findModel } from "./find-model.ts";
import { startBlock } from "./start-block.ts";
import { tellWarmUp } from "./tell-warm-up.ts";

export const BUILT_IN = "pippin-mini";
const NOTICE_MS = 300; // a stop that takes longer is explained
const GRACE_SECONDS = 5; // after the last answer is computed, for clients that still read it

/** Whatever must be gone before this process ends. */
interface Owned {
  readonly engines: readonly { drain(): Promise<void>; close(): Promise<void> }[];
}

export async function serve(args: readonly string[]): Promise<void> {
  const { config, warnings } = readServeConfig(args);
  for (const warning of warnings) console.error(`warning: ${warning}`);
  const folder = config.modelPath === undefined ? undefined : findModel(config.modelPath);
  const assets = await locateAssets();
  const modelPath = folder ?? assets.modelPath;
  const id = config.servedModelName ?? (config.modelPath === undefined ? BUILT_IN : basename(resolve(config.modelPath)));
  const profile = join(cacheFolder(), "runtime_profile.json");
  const mode = runtimeMode(config, readPeak(profile));
  const engine = new EngineProcess({
    command: ownCommand("engine"),
    engine: engineOptions(config, { modelPath, libraryPath: assets.libraryPath }, mode),
    onRestart: delay => console.error(`the engine ended; it is started again in ${delay} ms`),
    onWarmUp: tellWarmUp,
  });
  engine.ready.catch(() => {}); // it may be refused while the imports below run; then it is waited for
  let owned: Owned = { engines: [engine] };
  try {
    const [{ openHttp }, { openEncoders, readyEncoders }] = await Promise.all([import("./open-http.ts"), import("./open-encoders.ts")]);
    const encoders = openEncoders(config, assets.libraryPath);
    owned = { engines: [engine, encoders.embed, encoders.rank] };
    const warmPrompts = config.warmPrompts === undefined ? [] : (await import("./warm-prompts.ts")).readWarmPrompts(config.warmPrompts);
    const { listener, warm } = openHttp(config, { engine, id, modelPath, encoders, warmPrompts });
    const [info, preloaded] = [await engine.ready, await readyEncoders(encoders)];
    const stopped = firstSignal(owned);
    await warm();
    const careful = config.deterministic && info.device === "gpu";
    const batching = careful ? "simple: --deterministic, because a batch could change numbers" : `${mode.mode}: ${mode.reason}`;
    const started = { id, info, batching, url: listener.url, apiKey: config.apiKey !== undefined, encoders: preloaded };
    process.stdout.write(startBlock(started, useColor(process.stdout)));
    await stopped;
    await recordPeak(engine, profile);
    await drain(owned);
    await listener.stop(GRACE_SECONDS);
    process.exit(0);
  } catch (error) {
    await close(owned);
    throw error instanceof EngineRefused ? new CliError(error.message, error.exitCode) : error;
  }
}

/** Resolves with the first signal to stop; a second one ends everything at once. */
function firstSignal(owned: Owned): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (signal === "SIGINT" && process.stderr.isTTY) process.stderr.write("\n"); // the terminal has written ^C
    if (++signals === 1) return resolve();
    void close(owned).then(() => process.exit(exitCodes.interrupted));
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
async function drain({ engines }: Owned): Promise<void> {
  const notice = setTimeout(() => console.error("stopping: running answers finish first; a second signal stops at once"), NOTICE_MS);
  await Promise.all(engines.map(engine => engine.drain()));
  clearTimeout(notice);
}

async function close({ engines }: Owned): Promise<void> {
  await Promise.all(engines.map(engine => engine.close()));
}
