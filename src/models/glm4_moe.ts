// GLM-4.5 and 4.6: dense layers first, then layers in which experts are chosen by corrected sigmoids, beside shared ones.
import { add, type Tensor } from "../mx/index.ts";
import {
  attention,
  decoder,
  expertMlp,
  headNorm,
  makeRope,
  makeRouter,
  mlp,
  moe,
  readExperts,
  readGroups,
  readRope,
  readShape,
} from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Routing, Shape } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly normsHeads: boolean;
  readonly expertInner: number;
  readonly shared: number;
  readonly firstSparse: number;
  readonly routing: Routing;
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  c.expect("scoring_func", "sigmoid");
  c.expect("topk_method", "noaux_tc");
  const shape = readShape(c, { headDim: 128, eps: 1e-5, contextLength: 131072 });
  const experts = readExperts(c, "n_routed_experts", "num_experts_per_tok");
  return {
    ...shape,
    attentionBias: c.flag("attention_bias", false),
    normsHeads: c.flag("use_qk_norm", false),
    expertInner: c.count("moe_intermediate_size"),
    shared: c.whole("n_shared_experts", 1),
    firstSparse: c.whole("first_k_dense_replace", 1),
    routing: {
      ...experts,
      score: "sigmoid",
      isNormed: c.flag("norm_topk_prob", true),
      factor: c.positive("routed_scaling_factor", 1),
      groups: readGroups(c, experts, 2),
    },
    rope: readRope(c, shape.headDim, { base: 10000, partial: 0.5 }),
  };
}

export function build(weights: Weights, c: Config): Model {
  weights.at(`model.layers.${c.layers}`).skipAll(); // predicts further tokens
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, (w, layer) => block(w, c, rope, layer >= c.firstSparse));
}

function block(w: Weights, c: Config, rope: Rope, isSparse: boolean): Block {
  const heads = w.at("self_attn");
  const attend = attention(heads, c, rope, { outputBias: false, ...(c.normsHeads ? { norm: headNorm(heads, c, c.eps) } : {}) });
  const feed = isSparse ? mixture(w.at("mlp"), c) : mlp(w.at("mlp"), c.hidden, c.inner);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}

function mixture(w: Weights, { hidden, expertInner, shared, routing }: Config): Linear {
  const correction = w.numbers("gate.e_score_correction_bias", [routing.experts]);
  const router = makeRouter(w.linear("gate", hidden, routing.experts, false), routing, correction);
  const experts = expertMlp(w, { hidden, inner: expertInner, experts: routing.experts });
  return moe(router, experts, shared === 0 ? undefined : mlp(w.at("shared_experts"), hidden, expertInner * shared));
}
