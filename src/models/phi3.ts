// Phi-3, Phi-3.5 and Phi-4: Llama's blocks stored with joined projections; long contexts turn by LongRoPE, Phi-4-mini turns only a
// part of each head.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, mlp, readOneWindow, readRope, readShape } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Shape, Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly rope: RopeSettings;
  readonly windows: Windows;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-5, contextLength: 4096 });
  return { ...shape, rope: readRope(c, shape.headDim, { base: 10000, partial: 1 }), windows: readOneWindow(c, shape.layers) };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope));
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), { ...c, attentionBias: false }, rope, { fused: "qkv_proj" });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner, { bias: false, fused: "gate_up_proj" });
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}
