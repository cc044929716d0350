// DeepSeek-V2: latent attention; dense layers first, then layers with experts, chosen from the best groups of them, beside shared ones.
import { add, type Tensor } from "../mx/index.ts";
import { decoder, expertMlp, makeRope, makeRouter, mla, mlp, moe, readExperts, readGroups, readRope, readShape, readYarnScale } from "../nn/index.ts";
import type { Block, Groups, MlaConfig, Rope, RopeSettings, Routing, Shape } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape, MlaConfig {
  readonly expertInner: number;
  readonly shared: number;
  readonly isSparse: readonly boolean[]; // per layer
  readonly routing: Routing;
  readonly scale: number; // of attention
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("scoring_func", "softmax");
  c.expect("topk_method", "greedy", "gready", "group_limited_greedy");
  if (c.flag("norm_topk_prob", false)) throw c.error("norm_topk_prob", "is not supported for this family");
  return readWith(c, { score: "softmax" }, c.text("topk_method") === "group_limited_greedy" ? 1 : undefined);
}

/** The config of DeepSeek's families, which score experts and groups of them in ways of their own. */
export function readWith(c: Fields, scoring: Pick<Routing, "score" | "isNormed">, groupsBy?: Groups["by"]): Config {
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { kvHeads: "heads", headDim: c.count("qk_rope_head_dim", 64), eps: 1e-6, contextLength: 2048, tied: false });
  const [rank, plainDim, turnedDim] = [c.count("kv_lora_rank"), c.count("qk_nope_head_dim"), c.count("qk_rope_head_dim")];
  const [first, frequency] = [c.whole("first_k_dense_replace", 0), c.count("moe_layer_freq", 1)];
  const hasExperts = c.has("n_routed_experts");
  const experts = hasExperts ? readExperts(c, "n_routed_experts", "num_experts_per_tok") : { experts: 1, chosen: 1 };
  return {
    ...shape,
    queryRank: c.has("q_lora_rank") ? c.count("q_lora_rank") : undefined,
    rank,
    plainDim,
    turnedDim,
    valueDim: c.count("v_head_dim"),
    attentionBias: c.flag("attention_bias", false),
    expertInner: c.count("moe_intermediate_size"),
    shared: c.whole("n_shared_experts", 0),
    isSparse: Array.from({ length: shape.layers }, (_, i) => hasExperts && i >= first && i % frequency === 0),
    routing: {
      ...experts,
      factor: c.positive("routed_scaling_factor", 1),
      ...scoring,
      ...(groupsBy === undefined ? {} : { groups: readGroups(c, experts, groupsBy) }),
    },
    scale: (plainDim + turnedDim) ** -0.5 * readYarnScale(c),
    rope: readRope(c, turnedDim, { base: 10000, traditional: true }),
  };
}

export function build(weights: Weights, c: Config): Model {
  weights.at(`model.layers.${c.layers}`).skipAll(); // predicts further tokens
  const rope = makeRope(weights, c.rope);
  const kv = { kvHeads: 1, headDim: c.rank + c.turnedDim, valueDim: c.rank };
  return decoder(weights, { ...c, ...kv }, (w, layer) => block(w, c, rope, c.isSparse[layer]!));
}

function block(w: Weights, c: Config, rope: Rope, isSparse: boolean): Block {
  const attend = mla(w.at("self_attn"), c, rope, c.scale);
  w.skip("self_attn.rotary_emb.inv_freq"); // old exports hold what the config says already
  const feed = isSparse ? mixture(w.at("mlp"), c) : mlp(w.at("mlp"), c.hidden, c.inner);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}

function mixture(w: Weights, { hidden, expertInner, shared, routing }: Config): Linear {
  const correction = routing.score === "sigmoid" ? w.numbers("gate.e_score_correction_bias", [routing.experts]) : undefined;
  const router = makeRouter(w.linear("gate", hidden, routing.experts, false), routing, correction);
  const experts = expertMlp(w, { hidden, inner: expertInner, experts: routing.experts });
  return moe(router, experts, shared === 0 ? undefined : mlp(w.at("shared_experts"), hidden, expertInner * shared));
}
