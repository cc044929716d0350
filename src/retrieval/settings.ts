// What a checkpoint's text files say of how texts are prepared: the longest text, prompts that go before them, lower case.
import { TokenizerError } from "../tokenizer/error.ts";
import { readObject } from "../tokenizer/files.ts";
import { isObject, type Json } from "../util/json.ts";

export interface TextSettings {
  readonly modelType: string;
  readonly maxLength: number | undefined; // as its authors used it; the model itself may take more
  readonly lowerCase: boolean;
  readonly prompts: ReadonlyMap<string, string>; // by name; each goes before a text
  readonly defaultPrompt: string | undefined; // a name
}

const SENTENCE_FILES = ["sentence_bert_config.json", "sentence_roberta_config.json", "sentence_xlm-roberta_config.json"];

/** Reads config.json and sentence-transformers' files. Throws TokenizerError with one line that names the file at fault. */
export function readTextSettings(folder: string): TextSettings {
  const config = readObject(folder, "config.json");
  if (config === undefined) throw new TokenizerError(`${folder}/config.json is missing`);
  const sentence = SENTENCE_FILES.map(name => readObject(folder, name)).find(json => json !== undefined) ?? {};
  const file = "config_sentence_transformers.json";
  const more = readObject(folder, file) ?? {};
  const prompts = readPrompts(more, file);
  const defaultPrompt = more["default_prompt_name"] ?? undefined;
  if (defaultPrompt !== undefined && (typeof defaultPrompt !== "string" || !prompts.has(defaultPrompt)))
    throw new TokenizerError(`${file}: default_prompt_name is ${JSON.stringify(defaultPrompt)}, which is none of its prompts`);
  const maxLength = sentence["max_seq_length"];
  return {
    modelType: String(config["model_type"]),
    maxLength: typeof maxLength === "number" && Number.isInteger(maxLength) && maxLength > 0 ? maxLength : undefined,
    lowerCase: sentence["do_lower_case"] === true,
    prompts,
    defaultPrompt,
  };
}

function readPrompts(json: Json, file: string): Map<string, string> {
  const prompts = json["prompts"] ?? {};
  if (!isObject(prompts)) throw new TokenizerError(`${file}: prompts is no object`);
  const strange = Object.entries(prompts).find(([, text]) => typeof text !== "string");
  if (strange) throw new TokenizerError(`${file}: the prompt ${JSON.stringify(strange[0])} is no text`);
  return new Map(Object.entries(prompts) as [string, string][]);
}
