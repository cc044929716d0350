// Seed-OSS: Llama with a switch of its own for the bias of attention's output.
import { Fields } from "../weights/fields.ts";
import * as llama from "./llama.ts";

export { build } from "./llama.ts";

export function readConfig(json: Readonly<Record<string, unknown>>): llama.Config {
  const c = new Fields(json);
  return { ...llama.readConfig(json), attentionBias: c.flag("attention_bias", true), outputBias: c.flag("attention_out_bias", false) };
}
