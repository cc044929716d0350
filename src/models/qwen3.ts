// Qwen3, dense: pre-norm blocks of grouped-query attention whose query and key heads are normalised, and a gated MLP.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, headNorm, makeRope, mlp, readRope, readShape } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Shape } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  if (c.flag("use_sliding_window", false)) throw c.error("use_sliding_window", "is not supported for this family");
  const shape = readShape(c, { headDim: 128, eps: 1e-6 });
  return { ...shape, attentionBias: c.flag("attention_bias", false), rope: readRope(c, shape.headDim) };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope));
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const heads = w.at("self_attn");
  const attend = attention(heads, c, rope, { norm: headNorm(heads, c, c.eps) });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}
