// ERNIE 4.5 with experts: dense layers first, then layers in which experts are chosen by corrected scores, beside shared ones.
import { add, reshape, type Tensor } from "../mx/index.ts";
import { attention, decoder, expertMlp, makeRope, makeRouter, mlp, moe, readExperts, readRope, readShape } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Routing, Shape } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean; // of all other projections too
  readonly expertInner: number;
  readonly shared: number;
  readonly routing: Routing;
  readonly isSparse: readonly boolean[]; // per layer
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  c.expect("moe_gate_act", "softmax", "sigmoid");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-5, contextLength: 131072 });
  const [first, last] = [Math.min(...c.wholes("moe_layer_start_index"), shape.layers), Math.max(...c.wholes("moe_layer_end_index"), -1)];
  const [start, end] = [c.has("moe_layer_start_index") ? first : 0, c.has("moe_layer_end_index") ? last : shape.layers - 1];
  const interval = c.count("moe_layer_interval", 1);
  return {
    ...shape,
    attentionBias: c.flag("use_bias", false),
    expertInner: c.has("moe_intermediate_size") ? c.count("moe_intermediate_size") : shape.inner,
    shared: c.whole("moe_num_shared_experts", 0),
    routing: {
      ...readExperts(c, "moe_num_experts", "moe_k"),
      score: c.text("moe_gate_act", "softmax") as "softmax" | "sigmoid",
      isNormed: true,
    },
    isSparse: Array.from({ length: shape.layers }, (_, i) => (i + 1) % interval === 0 && i >= start && i <= end),
    rope: readRope(c, shape.headDim, { base: 500000, traditional: true }),
  };
}

export function build(weights: Weights, c: Config): Model {
  for (const part of ["mtp_block", "mtp_linear_proj", "mtp_hidden_norm", "mtp_emb_norm"]) weights.at(`model.${part}`).skipAll();
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, (w, layer) => block(w, c, rope, c.isSparse[layer]!));
}

function block(w: Weights, c: Config, rope: Rope, isSparse: boolean): Block {
  const attend = attention(w.at("self_attn"), c, rope);
  const feed = isSparse ? mixture(w.at("mlp"), c) : mlp(w.at("mlp"), c.hidden, c.inner, { bias: c.attentionBias });
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}

function mixture(w: Weights, { hidden, expertInner, shared, routing, attentionBias: bias }: Config): Linear {
  const stored = w.optional("moe_statics.e_score_correction_bias", [1, routing.experts]); // MLX's converter leaves it out
  const correction = stored === undefined ? undefined : w.constant(() => reshape(stored, [routing.experts]));
  const router = makeRouter(w.linear("gate", hidden, routing.experts, false), routing, correction);
  const experts = expertMlp(w, { hidden, inner: expertInner, experts: routing.experts, bias });
  return moe(router, experts, shared === 0 ? undefined : mlp(w.at("shared_experts"), hidden, expertInner * shared, { bias }));
}
