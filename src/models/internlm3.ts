// InternLM3: Llama with one switch for the biases of queries, keys and values, and one for all others.
import { Fields } from "../weights/fields.ts";
import * as llama from "./llama.ts";

export { build } from "./llama.ts";

export function readConfig(json: Readonly<Record<string, unknown>>): llama.Config {
  const c = new Fields(json);
  const bias = c.flag("bias", false);
  return { ...llama.readConfig(json), attentionBias: c.flag("qkv_bias", false), outputBias: bias, mlpBias: bias };
}
