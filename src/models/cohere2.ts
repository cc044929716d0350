// Command R7B and Command A: attention and MLP side by side behind one layer norm; three layers with a sliding window and rotary
// positions come before each one that sees everything and has none.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, mlp, readRope, readShape, readWindows, scaled } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Shape, Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly normBias: boolean;
  readonly logitScale: number;
  readonly rope: RopeSettings;
  readonly windows: Windows;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-5, epsName: "layer_norm_eps", contextLength: 8192, tied: true });
  const pattern = c.count("sliding_window_pattern", 4);
  return {
    ...shape,
    attentionBias: c.flag("attention_bias", false),
    normBias: c.flag("layer_norm_bias", false),
    logitScale: c.positive("logit_scale", 0.0625),
    rope: readRope(c, shape.headDim, { base: 50000, traditional: true }),
    windows: readWindows(c, shape.layers, layer => (layer + 1) % pattern !== 0, 4096),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, (w, layer) => block(w, c, c.windows[layer] === undefined ? undefined : rope), {
    norm: w => w.layerNorm("norm", c.hidden, c.eps, c.normBias),
    logits: x => scaled(x, c.logitScale),
  });
}

function block(w: Weights, c: Config, rope: Rope | undefined): Block {
  const attend = attention(w.at("self_attn"), c, rope);
  const feed = mlp(w.at("mlp"), c.hidden, c.inner);
  const norm = w.layerNorm("input_layernorm", c.hidden, c.eps, c.normBias);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = norm(x);
    return add(add(attend(h, batch, kv), feed(h)), x);
  };
}
