// What one served model offers to requests: its engine and everything around it that is text.
import { basename, resolve } from "node:path";
import type { Engine } from "../engine/client.ts";
import type { Sampling } from "../engine/protocol.ts";
import { GrammarBackground } from "../grammar/background.ts";
import { fallbackToolFormat, findReasoningFormat, findToolFormat } from "../parsers/registry.ts";
import type { FormatHints, ReasoningFormat, ToolFormat } from "../parsers/types.ts";
import { Background } from "../tokenizer/background.ts";
import { TemplateError, TokenizerError } from "../tokenizer/error.ts";
import { readText } from "../tokenizer/files.ts";
import { openTextModel, type TextModel } from "../tokenizer/load.ts";
import { ChatTemplate, type TemplateInput } from "../tokenizer/template.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { findThinkingIds, type ThinkingIds } from "./thinking.ts";
import { readConventions, type Conventions } from "./conventions.ts";

/** All of Sampling that does not belong to one request. */
export type SamplingDefaults = Omit<Sampling, "seed" | "logitBias">;

export interface Service {
  readonly id: string; // as clients name it
  readonly engine: Engine;
  readonly adapter?: number; // the engine's, that every sequence goes through; none without it
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate | undefined; // undefined: only plain completions
  readonly conventions: Conventions; // of the template
  readonly templateOptions: Readonly<Record<string, unknown>>; // where the request says nothing
  readonly toolFormat: ToolFormat | undefined;
  readonly reasoningFormat: ReasoningFormat | undefined;
  readonly thinking: ThinkingIds | undefined; // of that format
  readonly thinkingBudget: number | undefined; // tokens, where the request says nothing
  readonly grammars: GrammarBackground;
  readonly defaults: SamplingDefaults;
  readonly deterministic: boolean; // the likeliest token always, whatever a request asks for
  readonly frequencyPenaltyMode: FrequencyPenaltyMode;
  readonly stopIds: readonly number[]; // end-of-sequence ids
  readonly maxTokens: number; // where the request says nothing
  readonly contextLength: number; // prompt and answer together; the engine's once it is known
  readonly vocabSize: number; // likewise
  encode(text: string, options: { readonly specialTokens: boolean }): Promise<Uint32Array>;
  /** The template's text; throws TemplateError, also where there is no template. */
  render(input: TemplateInput): Promise<string>;
  /** Lets go of the Workers, if there are any; the engine is its owner's. */
  close(): void;
}

/** What a request's frequency_penalty means: OpenAI's, or vllm-mlx's, which takes it for a repetition penalty. */
export type FrequencyPenaltyMode = "openai" | "repetition";

export interface ServiceOptions {
  readonly id?: string; // the folder's name when absent
  readonly defaults?: Partial<SamplingDefaults>; // the server's own, before the model's
  readonly deterministic?: boolean;
  readonly frequencyPenaltyMode?: FrequencyPenaltyMode;
  readonly maxTokens?: number;
  readonly toolParser?: string; // a name of the registry, "auto" or "none"
  readonly reasoningParser?: string;
  readonly thinkingBudget?: number | undefined;
  readonly templateFile?: string; // in the place of the model's templates
  readonly templateOptions?: Readonly<Record<string, unknown>>;
  readonly workerUrl?: string | URL; // tokenizer/worker.ts, resolved by the main program: the only place where that works compiled
  readonly grammarWorkerUrl?: string | URL; // grammar/worker.ts, likewise
}

const usualDefaults: SamplingDefaults = {
  temperature: 0.7,
  topP: 0.9,
  topK: 0,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
};

/** Throws TokenizerError or UnknownFormatError; the engine may still be starting. */
export function openService(folder: string, engine: Engine, options: ServiceOptions = {}): Service {
  const text = openTextModel(folder);
  const { tokenizer } = text;
  const template = openTemplate(folder, text, options.templateFile);
  const background = new Background({ tokenizer, folder, workerUrl: options.workerUrl });
  const hasToken = (content: string) => tokenizer.addedId(content) !== undefined;
  const hints = (withTools: boolean) => ({ template: template?.source(withTools) ?? "", hasToken });
  const grammars = new GrammarBackground({ tokenizer, folder, workerUrl: options.grammarWorkerUrl });
  engine.learn(() => grammars.vocabulary);
  const reasoningFormat = findReasoningFormat(options.reasoningParser ?? "auto", hints(false));
  return {
    id: options.id ?? basename(resolve(folder)),
    engine,
    tokenizer,
    template,
    conventions: readConventions(template),
    templateOptions: options.templateOptions ?? {},
    toolFormat: toolFormatOf(options.toolParser ?? "auto", hints(true)),
    reasoningFormat,
    thinking: findThinkingIds(tokenizer, reasoningFormat),
    thinkingBudget: options.thinkingBudget,
    grammars,
    defaults: { ...usualDefaults, ...text.sampling, ...options.defaults },
    deterministic: options.deterministic ?? false,
    frequencyPenaltyMode: options.frequencyPenaltyMode ?? "openai",
    stopIds: text.stopIds,
    maxTokens: options.maxTokens ?? 32_768,
    get contextLength() {
      return engine.info?.contextLength ?? text.contextLength ?? 4096;
    },
    get vocabSize() {
      return engine.info?.vocabSize ?? tokenizer.vocabSize;
    },
    encode: (input, how) => background.encode(input, how),
    render: async input => {
      if (!template) throw new TemplateError("there is none");
      return background.render(template, input);
    },
    close: () => {
      background.close();
      grammars.close();
    },
  };
}

/** The same model through one of its engine's adapters, counted from 1, under an id of its own. */
export function withAdapter(service: Service, name: string, adapter: number): Service {
  return Object.create(service, { id: { value: `${service.id}:${name}` }, adapter: { value: adapter } }) as Service;
}

function toolFormatOf(name: string, hints: FormatHints): ToolFormat | undefined {
  return findToolFormat(name, hints) ?? (name === "auto" && hints.template !== "" ? fallbackToolFormat : undefined);
}

function openTemplate(folder: string, text: TextModel, file: string | undefined): ChatTemplate | undefined {
  const own = file === undefined ? undefined : readText("", file);
  if (file !== undefined && own === undefined) throw new TokenizerError(`${file} is missing`);
  const sources = own === undefined ? text.templates : { default: own };
  return sources && new ChatTemplate(sources, { bosToken: text.bosToken, eosToken: text.eosToken }, file ?? folder);
}
