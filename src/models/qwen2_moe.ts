// Qwen2-MoE: Qwen2's attention, and experts beside one that sees every token through a gate of its own.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, expertMlp, gatedShared, makeRope, makeRouter, mlp, moe, readExperts, readRope, readShape } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Routing, Shape } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly expertInner: number;
  readonly sharedInner: number;
  readonly routing: Routing;
  readonly isSparse: readonly boolean[]; // per layer
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  if (c.flag("use_sliding_window", false)) throw c.error("use_sliding_window", "is not supported for this family");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-6, contextLength: 32768 });
  return {
    ...shape,
    expertInner: c.count("moe_intermediate_size"),
    sharedInner: c.count("shared_expert_intermediate_size"),
    routing: readRouting(c),
    isSparse: readSparse(c, shape.layers),
    rope: readRope(c, shape.headDim, { base: 10000 }),
  };
}

/** Qwen3-MoE's too. */
export function readRouting(c: Fields): Routing {
  return { ...readExperts(c, "num_experts", "num_experts_per_tok"), score: "softmax", isNormed: c.flag("norm_topk_prob", false) };
}

/** Layers with experts: every decoder_sparse_step-th, except mlp_only_layers. */
export function readSparse(c: Fields, layers: number): boolean[] {
  const [step, dense] = [c.count("decoder_sparse_step", 1), c.wholes("mlp_only_layers")];
  return Array.from({ length: layers }, (_, layer) => (layer + 1) % step === 0 && !dense.includes(layer));
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, (w, layer) => block(w, c, rope, c.isSparse[layer]!));
}

function block(w: Weights, c: Config, rope: Rope, isSparse: boolean): Block {
  const attend = attention(w.at("self_attn"), { ...c, attentionBias: true }, rope, { outputBias: false });
  const feed = isSparse ? mixture(w.at("mlp"), c) : mlp(w.at("mlp"), c.hidden, c.inner);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}

function mixture(w: Weights, { hidden, expertInner, sharedInner, routing }: Config): Linear {
  const router = makeRouter(w.linear("gate", hidden, routing.experts, false), routing);
  const experts = expertMlp(w, { hidden, inner: expertInner, experts: routing.experts });
  return moe(router, experts, gatedShared(w, hidden, sharedInner));
}
