// Qwen3-MoE: Qwen3's attention, and experts in place of the MLP.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, expertMlp, headNorm, makeRope, makeRouter, mlp, moe, readRope, readShape } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Routing, Shape } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";
import { readRouting, readSparse } from "./qwen2_moe.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly expertInner: number;
  readonly routing: Routing;
  readonly isSparse: readonly boolean[]; // per layer
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  if (c.flag("use_sliding_window", false)) throw c.error("use_sliding_window", "is not supported for this family");
  const shape = readShape(c, { eps: 1e-6, contextLength: 32768 });
  return {
    ...shape,
    attentionBias: c.flag("attention_bias", false),
    expertInner: c.count("moe_intermediate_size"),
    routing: readRouting(c),
    isSparse: readSparse(c, shape.layers),
    rope: readRope(c, shape.headDim, { base: 10000 }),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, (w, layer) => block(w, c, rope, c.isSparse[layer]!));
}

function block(w: Weights, c: Config, rope: Rope, isSparse: boolean): Block {
  const heads = w.at("self_attn");
  const attend = attention(heads, c, rope, { norm: headNorm(heads, c, c.eps) });
  const feed = isSparse ? mixture(w.at("mlp"), c) : mlp(w.at("mlp"), c.hidden, c.inner);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}

function mixture(w: Weights, { hidden, expertInner, routing }: Config): Linear {
  const router = makeRouter(w.linear("gate", hidden, routing.experts, false), routing);
  return moe(router, expertMlp(w, { hidden, inner: expertInner, experts: routing.experts }));
}
