// Qwen2 and Qwen2.5, dense: Llama with biases on queries, keys and values.
import { Fields } from "../weights/fields.ts";
import * as llama from "./llama.ts";

export { build } from "./llama.ts";

export function readConfig(json: Readonly<Record<string, unknown>>): llama.Config {
  const c = new Fields(json);
  if (c.flag("use_sliding_window", false)) throw c.error("use_sliding_window", "is not supported for this family");
  return { ...llama.readConfig(json), attentionBias: true, outputBias: false };
}
