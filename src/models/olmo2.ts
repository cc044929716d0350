// OLMo 2: norms come after attention and MLP instead of before, and queries and keys are normed over all their heads together.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, mlp, readRope, readShape, wideNorm } from "../nn/index.ts";
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
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-5, contextLength: 2048 });
  return { ...shape, attentionBias: c.flag("attention_bias", false), rope: readRope(c, shape.headDim, { base: 10000 }) };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope));
}

/** The block of OLMo 3 too. */
export function block(w: Weights, c: Omit<Config, "rope">, rope: Rope): Block {
  const heads = w.at("self_attn");
  const attend = attention(heads, c, rope, { wideNorm: wideNorm(heads, c, c.eps) });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner);
  const normAttention = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_feedforward_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, normAttention(attend(x, batch, kv)));
    return add(h, normMlp(feed(h)));
  };
}
