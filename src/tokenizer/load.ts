// Opens what a model folder says about text: vocabulary, control tokens, everything that ends an answer, sampling defaults, chat templates.
import { join } from "node:path";
import { TokenizerError } from "./error.ts";
import { isObject, type Json } from "../util/json.ts";
import { listFiles, readObject } from "./files.ts";
import { readVocabAndMerges } from "./merges.ts";
import { readTemplates, type TemplateSources } from "./template-files.ts";
import { Tokenizer } from "./tokenizer.ts";

export interface TextModel {
  readonly tokenizer: Tokenizer;
  readonly templates: TemplateSources | undefined; // undefined: not a chat model
  readonly bosToken: string | undefined;
  readonly eosToken: string | undefined;
  readonly stopIds: readonly number[]; // each ends an answer
  readonly sampling: SamplingDefaults;
  readonly contextLength: number | undefined; // as the model's config says it
}

/** What generation_config.json recommends. */
export interface SamplingDefaults {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
}

/** Reads the folder's text files once. Throws TokenizerError with one line that names the file at fault. */
export function openTextModel(folder: string): TextModel {
  const config = readObject(folder, "tokenizer_config.json") ?? {};
  const tokenizer = openTokenizer(folder, config);
  const templates = readTemplates(folder, config);
  const model = readObject(folder, "config.json") ?? {};
  const generation = readObject(folder, "generation_config.json") ?? {};
  const eosToken = tokenText(config["eos_token"]);
  const stopIds = [
    ...ids(model["eos_token_id"]),
    ...ids(textConfig(model)["eos_token_id"]),
    ...ids(generation["eos_token_id"]),
    ...[eosToken === undefined ? undefined : tokenizer.idOf(eosToken)].filter(id => id !== undefined),
    ...endOfTurnIds(tokenizer, templates),
  ];
  return {
    tokenizer,
    templates,
    bosToken: tokenText(config["bos_token"]),
    eosToken,
    stopIds: [...new Set(stopIds)],
    sampling: readSampling(generation),
    contextLength: number(textConfig(model)["max_position_embeddings"]) ?? number(model["max_position_embeddings"]),
  };
}

export function openTokenizer(folder: string, config: Json = readObject(folder, "tokenizer_config.json") ?? {}): Tokenizer {
  const path = join(folder, "tokenizer.json");
  const json = readObject(folder, "tokenizer.json");
  if (json) return Tokenizer.from(json, config, path);
  const made = readVocabAndMerges(folder, config);
  if (!made) throw new TokenizerError(`${path} is missing${otherFormat(folder)}`);
  return Tokenizer.from(made, config, join(folder, "vocab.json"));
}

/** What the folder has in its place, and what to do. */
function otherFormat(folder: string): string {
  const found = listFiles(folder).filter(
    name => name === "tokenizer.model" || name === "vocab.json" || name === "vocab.txt" || name.endsWith(".tiktoken"),
  );
  if (found.length === 0) return "";
  return `: ${found.join(" and ")} cannot be read instead; make it with transformers: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)`;
}

/** Markers that end an answer in the well-known templates. They count only when they are tokens of their own and the template uses them. */
const turnEnds = ["<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<|end_of_turn|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>"];

function endOfTurnIds(tokenizer: Tokenizer, templates: TemplateSources | undefined): number[] {
  const text = Object.values(templates ?? {}).join("\n");
  // Where an answer has channels, <|end|> ends one message of it, and the answer goes on.
  const markers = turnEnds.filter(marker => text.includes(marker) && !(marker === "<|end|>" && text.includes("<|channel|>")));
  return markers.map(marker => tokenizer.addedId(marker)).filter(id => id !== undefined);
}

function readSampling(generation: Json): SamplingDefaults {
  const temperature = generation["do_sample"] === false ? 0 : number(generation["temperature"]);
  const topP = number(generation["top_p"]);
  const topK = number(generation["top_k"]);
  const minP = number(generation["min_p"]);
  const repetitionPenalty = number(generation["repetition_penalty"]);
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK }),
    ...(minP !== undefined && { minP }),
    ...(repetitionPenalty !== undefined && { repetitionPenalty }),
  };
}

/** Vision models keep the language model's settings one level down. */
function textConfig(model: Json): Json {
  return isObject(model["text_config"]) ? model["text_config"] : {};
}

/** A token in tokenizer_config.json is its text, or an object with its text. */
function tokenText(value: unknown): string | undefined {
  const text = isObject(value) ? value["content"] : value;
  return typeof text === "string" && text !== "" ? text : undefined;
}

function ids(value: unknown): number[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return all.filter((id): id is number => typeof id === "number" && Number.isInteger(id) && id >= 0);
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
