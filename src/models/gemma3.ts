// Gemma 3 with a vision tower, of which this reads the text half.
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import * as text from "./gemma3_text.ts";
import type { Model } from "./model.ts";

export { withWindow } from "./gemma3_text.ts";

export function readConfig(json: Readonly<Record<string, unknown>>): text.Config {
  const c = new Fields(json);
  const part = c.object("text_config");
  if (part === undefined) throw c.error("text_config", "is missing");
  return text.readFields(part, { heads: 8, kvHeads: 4, vocabSize: c.count("vocab_size", 262208) });
}

export function build(weights: Weights, config: text.Config): Model {
  for (const tower of ["vision_tower", "multi_modal_projector"]) weights.at(tower).skipAll();
  return text.build(weights.at("language_model"), config);
}
