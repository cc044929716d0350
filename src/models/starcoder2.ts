// StarCoder2: layer norms, biases everywhere, a plain MLP with GELU, and a sliding window in all layers.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, plainMlp, readActivation, readOneWindow, readRope, readShape } from "../nn/index.ts";
import type { Activation, Block, Rope, RopeSettings, Shape, Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean; // of the MLP too
  readonly activation: Activation;
  readonly rope: RopeSettings;
  readonly windows: Windows;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  const shape = readShape(c, { kvHeads: 2, eps: 1e-5, epsName: "norm_epsilon", contextLength: 4096 });
  return {
    ...shape,
    attentionBias: c.flag("use_bias", true),
    activation: readActivation(c, "gelu_pytorch_tanh"),
    rope: readRope(c, shape.headDim, { base: 10000 }),
    windows: readOneWindow(c, shape.layers),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope), { norm: w => w.layerNorm("norm", c.hidden, c.eps, true) });
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), c, rope);
  const feed = plainMlp(w.at("mlp"), c.hidden, c.inner, ["c_fc", "c_proj"], c.activation, c.attentionBias);
  const normAttention = w.layerNorm("input_layernorm", c.hidden, c.eps, true);
  const normMlp = w.layerNorm("post_attention_layernorm", c.hidden, c.eps, true);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}
