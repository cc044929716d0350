// An engine of its own for a command that measures: started with its model, ended when the work is done or fails.
import { resolve, basename } from "node:path";
import { locateAssets, ownCommand } from "../../assets/locate.ts";
import type { ServeConfig } from "../../config.ts";
import { EngineRefused } from "../../engine/child.ts";
import { EngineProcess } from "../../engine/client.ts";
import type { ModelInfo } from "../../engine/protocol.ts";
import { openTextModel, type TextModel } from "../../tokenizer/load.ts";
import { CliError } from "../error.ts";
import { engineOptions, runtimeMode } from "../engine-options.ts";
import { findModel } from "../find-model.ts";
import { BUILT_IN } from "../serve.ts";
import { tellWarmUp } from "../tell-warm-up.ts";

export interface OpenEngine {
  readonly engine: EngineProcess;
  readonly info: ModelInfo;
  readonly text: TextModel;
  readonly name: string;
}

/** Runs `work` with a ready engine; the engine is gone afterwards. */
export async function withEngine<T>(config: ServeConfig, work: (open: OpenEngine) => Promise<T>): Promise<T> {
  const folder = config.modelPath === undefined ? undefined : findModel(config.modelPath);
  const assets = await locateAssets();
  const modelPath = folder ?? assets.modelPath;
  const name = config.modelPath === undefined ? BUILT_IN : basename(resolve(modelPath));
  const text = openTextModel(modelPath);
  const engine = new EngineProcess({
    command: ownCommand("engine"),
    engine: engineOptions(config, { modelPath, libraryPath: assets.libraryPath }, runtimeMode(config, undefined)),
    onWarmUp: tellWarmUp,
  });
  try {
    return await work({ engine, info: await engine.ready, text, name });
  } catch (error) {
    throw error instanceof EngineRefused ? new CliError(error.message, error.exitCode) : error;
  } finally {
    await engine.close();
  }
}

const SILENCE_MS = 120_000; // an engine that says nothing for that long has failed

/** Fails when nothing comes for too long. */
export async function inTime<T>(news: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`the engine has said nothing for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
  return Promise.race([news, promise]).finally(() => clearTimeout(timer));
}
