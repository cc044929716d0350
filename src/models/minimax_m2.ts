// MiniMax-M2: attention whose queries and keys are normed over all heads, and experts chosen by corrected sigmoids in every layer.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, expertMlp, expertNames, makeRope, makeRouter, moe, readExperts, readRope, readShape, wideNorm } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Routing, Shape } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly normsHeads: boolean;
  readonly routing: Routing;
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  c.expect("scoring_func", "sigmoid");
  if (c.has("linear_attn_alpha_factor"))
    throw c.error("linear_attn_alpha_factor", "belongs to MiniMax-Text-01, whose lightning attention is not supported");
  const shape = readShape(c);
  const turned = c.count("rotary_dim", shape.headDim);
  if (turned > shape.headDim) throw c.error("rotary_dim", `is ${turned}, more than head_dim ${shape.headDim}`);
  return {
    ...shape,
    normsHeads: c.flag("use_qk_norm", true),
    routing: { ...readExperts(c, "num_local_experts", "num_experts_per_tok"), score: "sigmoid", isNormed: true },
    rope: readRope(c, shape.headDim, { base: 5e6, partial: turned / shape.headDim }),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope));
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const heads = w.at("self_attn");
  const attend = attention(heads, { ...c, attentionBias: false }, rope, c.normsHeads ? { wideNorm: wideNorm(heads, c, c.eps) } : {});
  const feed = mixture(w.at("block_sparse_moe"), c);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normFeed = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normFeed(h)));
  };
}

function mixture(w: Weights, { hidden, inner, routing }: Config): Linear {
  const correction = w.numbers("e_score_correction_bias", [routing.experts]);
  const router = makeRouter(w.linear("gate", hidden, routing.experts, false), routing, correction);
  return moe(router, expertMlp(w, { hidden, inner, experts: routing.experts }, expertNames("switch_mlp", ["w1", "w3", "w2"])));
}
