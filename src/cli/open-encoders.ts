// The encoders of `serve`: those named at the start are loaded with it, others when a client names them.
import { basename, resolve } from "node:path";
import { ownCommand, ownModule } from "../assets/locate.ts";
import type { ServeConfig } from "../config.ts";
import { EngineRefused } from "../engine/child.ts";
import { EncoderProcess } from "../engine/encoder-client.ts";
import { EncoderHost } from "../retrieval/host.ts";
import { openEncoderService, type EncoderService, type Task } from "../retrieval/service.ts";
import { TokenizerError } from "../tokenizer/error.ts";
import { CliError, exitCodes } from "./error.ts";
import { cachedModel, findModel } from "./find-model.ts";
import type { Encoders } from "../http/context.ts";

/** Starts what the settings name. Throws CliError for what the user can mend. */
export function openEncoders(config: ServeConfig, libraryPath: string): Encoders {
  const embed = openHost("embed", "--embedding-model", config.embeddingModel, config, libraryPath);
  try {
    return { embed, rank: openHost("rank", "--rerank-model", config.rerankModel, config, libraryPath) };
  } catch (error) {
    void embed.close();
    throw error;
  }
}

/** Resolves with those named at the start once they are loaded; throws CliError when one is refused. */
export async function readyEncoders({ embed, rank }: Encoders): Promise<EncoderService[]> {
  const services = [...embed.loaded, ...rank.loaded];
  for (const { id, engine } of services) {
    try {
      await engine.ready;
    } catch (error) {
      throw error instanceof EngineRefused ? new CliError(`${id}: ${error.message}`, error.exitCode) : error;
    }
  }
  return services;
}

function openHost(task: Task, flag: string, name: string | undefined, config: ServeConfig, libraryPath: string): EncoderHost {
  const openFolder = (folder: string, id: string) => openService(folder, id, task, config, libraryPath);
  if (name === undefined) {
    const open = (wanted: string) => {
      const folder = cachedModel(wanted);
      return folder === undefined ? undefined : openFolder(folder, wanted);
    };
    return new EncoderHost({ flag, open });
  }
  const id = basename(resolve(name));
  try {
    return new EncoderHost({ flag, locked: openFolder(findModel(name), id), aliases: [name] });
  } catch (error) {
    throw error instanceof TokenizerError ? new CliError(error.message, exitCodes.failed) : error;
  }
}

function openService(folder: string, id: string, task: Task, config: ServeConfig, libraryPath: string): EncoderService {
  const { device, warmUp, maxQueue, gpuMemoryUtilization: memoryUtilization } = config;
  const common = { modelPath: folder, libraryPath, device, warmUp, task, maxQueue, memoryUtilization };
  return openEncoderService(folder, {
    id,
    task,
    start: verdict => {
      const engine = new EncoderProcess({
        command: ownCommand("encoder"),
        engine: { ...common, ...(verdict && { verdict }) },
        onRestart: delay => console.error(`the engine of ${id} ended; it is started again in ${delay} ms`),
      });
      engine.ready.catch(() => {}); // whoever asks for it hears of it
      return engine;
    },
    overflow: config.embeddingOverflowPolicy,
    ...(task === "embed" && config.embeddingMaxLength !== "auto" && { maxLength: config.embeddingMaxLength }),
    workerUrl: ownModule("tokenizer/worker.ts"),
  });
}
