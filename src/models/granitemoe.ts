// Granite 3 MoE: Granite with a mixture of experts in place of the MLP.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, readExperts, scaled, type Block, type Rope, type Routing } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";
import * as granite from "./granite.ts";

export interface Config extends granite.Config {
  readonly routing: Routing;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  return { ...granite.readConfig(json), routing: { ...readExperts(c, "num_local_experts", "num_experts_per_tok"), score: "softmaxOfChosen" } };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope), granite.extras(c));
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), c, rope, { scale: c.attentionMultiplier });
  const feed = granite.mixture(w.at("block_sparse_moe"), c, c.routing);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, scaled(attend(normAttention(x), batch, kv), c.residualMultiplier));
    return add(h, scaled(feed(normMlp(h)), c.residualMultiplier));
  };
}
