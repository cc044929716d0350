// DeepSeek-V3 and R1: DeepSeek-V2 whose experts are chosen by corrected sigmoids, from the groups with the best two together.
import { Fields } from "../weights/fields.ts";
import * as v2 from "./deepseek_v2.ts";

export { build } from "./deepseek_v2.ts";

export function readConfig(json: Readonly<Record<string, unknown>>): v2.Config {
  const c = new Fields(json);
  c.expect("scoring_func", "sigmoid");
  c.expect("topk_method", "noaux_tc");
  return v2.readWith(c, { score: "sigmoid", isNormed: c.flag("norm_topk_prob", true) }, 2);
}
