// ERNIE 4.5, dense: Llama turned in neighbouring pairs, with one switch for all biases.
import { readRope } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import * as llama from "./llama.ts";

export { build } from "./llama.ts";

export function readConfig(json: Readonly<Record<string, unknown>>): llama.Config {
  const c = new Fields(json);
  const [config, bias] = [llama.readConfig(json), c.flag("use_bias", false)];
  return { ...config, attentionBias: bias, mlpBias: bias, rope: readRope(c, config.headDim, { base: 500000, traditional: true }) };
}
