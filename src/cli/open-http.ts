// The HTTP side of `serve`: the model's text, the app and its port. Imported after the engine has been started.
import { ownModule } from "../assets/locate.ts";
import { openService, withAdapter, type SamplingDefaults } from "../chat/service.ts";
import type { ChatRequest } from "../chat/types.ts";
import { warm } from "../chat/warm.ts";
import { adapterNames } from "./adapter-list.ts";
import { dataFolder, type ServeConfig } from "../config.ts";
import type { Engine } from "../engine/client.ts";
import { makeApp } from "../http/app.ts";
import { listen, ListenError, type Listener } from "../http/listen.ts";
import { UnknownFormatError } from "../parsers/registry.ts";
import { TokenizerError } from "../tokenizer/error.ts";
import { CliError, exitCodes } from "./error.ts";
import type { Encoders } from "../http/context.ts";
import { version } from "./version.ts";

export interface ModelToServe {
  readonly engine: Engine;
  readonly id: string;
  readonly modelPath: string;
  readonly encoders: Encoders;
  readonly warmPrompts: readonly ChatRequest[];
}

export interface OpenedHttp {
  readonly listener: Listener;
  /** Reads the warm prompts; the engine must be ready. */
  readonly warm: () => Promise<void>;
}

/** Listens at once, also while the engine still loads. Throws CliError for what the user can mend. */
export function openHttp(config: ServeConfig, { engine, id, modelPath, encoders, warmPrompts }: ModelToServe): OpenedHttp {
  try {
    const service = openService(modelPath, engine, {
      id,
      defaults: samplingDefaults(config),
      maxTokens: config.maxTokens,
      deterministic: config.deterministic,
      frequencyPenaltyMode: config.frequencyPenaltyMode,
      toolParser: config.toolCallParser,
      reasoningParser: config.reasoningParser,
      thinkingBudget: config.maxThinkingTokens ?? config.defaultThinkingTokenBudget,
      ...(config.chatTemplate !== undefined && { templateFile: config.chatTemplate }),
      templateOptions: config.defaultChatTemplateKwargs,
      workerUrl: ownModule("tokenizer/worker.ts"),
      grammarWorkerUrl: ownModule("grammar/worker.ts"),
    });
    const adapted = adapterNames(config).map((name, i) => withAdapter(service, name, i + 1));
    const served = [service, ...adapted].map(service => ({ service, aliases: [], created: Math.floor(Date.now() / 1000) }));
    const warmUp = () => warm(service, warmPrompts, line => console.error(`warning: ${line}`));
    const rewarm = warmPrompts.length > 0 && { rewarm: () => void warmUp() };
    return {
      listener: listen(makeApp({ models: () => served, encoders, config, version, dataFolder: config.dataDir ?? dataFolder(), ...rewarm }), config),
      warm: warmUp,
    };
  } catch (error) {
    if (error instanceof UnknownFormatError) throw new CliError(error.message, exitCodes.usage);
    if (error instanceof TokenizerError || error instanceof ListenError) throw new CliError(error.message, exitCodes.failed);
    throw error;
  }
}

/** Only what was set: the model's own defaults fill the rest. */
function samplingDefaults(config: ServeConfig): Partial<SamplingDefaults> {
  const set = {
    temperature: config.defaultTemperature,
    topP: config.defaultTopP,
    topK: config.defaultTopK,
    minP: config.defaultMinP,
    repetitionPenalty: config.defaultRepetitionPenalty,
    frequencyPenalty: config.defaultFrequencyPenalty,
    presencePenalty: config.defaultPresencePenalty,
  };
  return Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined));
}
