// Granite 3 MoE: Granite with a mixture of experts in place of the MLP.
import { add, split, type Tensor } from "../mx/index.ts";
import { attention, decoder, expertMlp, makeRope, makeRouter, moe, readExperts, scaled, type Block, type Rope, type Routing } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
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
  const feed = mixture(w.at("block_sparse_moe"), c);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, scaled(attend(normAttention(x), batch, kv), c.residualMultiplier));
    return add(h, scaled(feed(normMlp(h)), c.residualMultiplier));
  };
}

/** Granite 4's too. */
export function mixture(w: Weights, { hidden, inner, routing }: Config): Linear {
  w.derive("input_linear.weight", both => {
    const [gate, up] = split(both, 2, 1) as [Tensor, Tensor];
    return { "switch_mlp.gate_proj.weight": gate, "switch_mlp.up_proj.weight": up };
  });
  w.derive("output_linear.weight", down => ({ "switch_mlp.down_proj.weight": down }));
  const router = makeRouter(w.linear("router.layer", hidden, routing.experts, false), routing);
  return moe(router, expertMlp(w, { hidden, inner, experts: routing.experts }));
}
