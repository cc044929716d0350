// Qwen3.5, dense and with experts, of which this reads the text half: Qwen3-Next with projections apart.
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Model } from "./model.ts";
import * as next from "./qwen3_next.ts";

export function readConfig(json: Readonly<Record<string, unknown>>): next.Config {
  const whole = new Fields(json);
  const c = whole.object("text_config") ?? whole;
  const config = next.readFields(c, { contextLength: 131072 });
  return { ...config, tied: config.tied ?? whole.flag("tie_word_embeddings") };
}

/** MLX's converter keeps the text in language_model, torch in model.language_model, and a text model has no such prefix. */
export function build(weights: Weights, c: next.Config): Model {
  for (const tower of ["vision_tower", "model.visual", "mtp"]) weights.at(tower).skipAll();
  if (weights.has("language_model.model.embed_tokens.weight")) return next.build(weights.at("language_model"), c);
  return next.build(weights, c, weights.has("model.language_model.embed_tokens.weight") ? "model.language_model" : "model");
}
