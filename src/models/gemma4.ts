// Gemma 4 with towers for pictures and sound, of which this reads the text half.
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import * as text from "./gemma4_text.ts";
import type { Model } from "./model.ts";

const OTHERS = ["vision_tower", "audio_tower", "embed_vision", "embed_audio", "multi_modal_projector", "vision_embedder"];

export function readConfig(json: Readonly<Record<string, unknown>>): text.Config {
  const c = new Fields(json);
  const part = c.object("text_config");
  if (part === undefined) throw c.error("text_config", "is missing");
  return text.readFields(part, c.has("vocab_size") ? { vocabSize: c.count("vocab_size") } : {});
}

/** MLX's converter keeps the text in language_model, and torch in model.language_model. */
export function build(weights: Weights, c: text.Config): Model {
  for (const other of OTHERS.flatMap(name => [name, `model.${name}`])) weights.at(other).skipAll();
  const isMlx = weights.has("language_model.model.embed_tokens.weight");
  return isMlx ? text.build(weights.at("language_model"), c) : text.build(weights, c, "model.language_model");
}
