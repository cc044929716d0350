// EXAONE 4: norms after attention and MLP instead of before, normed query and key heads, and, in the large model, three layers with a
// sliding window before each one that sees everything and has no rotary positions.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, headNorm, makeRope, mlp, readRope, readShape, readWindows } from "../nn/index.ts";
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
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-5, contextLength: 2048 });
  const windows = c.has("sliding_window") ? readWindows(c, shape.layers, readPattern(c)) : [];
  return { ...shape, rope: readRope(c, shape.headDim, { base: 10000 }), windows };
}

/** "LLLG": three local layers, then a global one. */
function readPattern(c: Fields): (layer: number) => boolean {
  const pattern = c.has("layer_types") ? "G" : c.text("sliding_window_pattern", "G");
  if (!/^[LG]+$/.test(pattern)) throw c.error("sliding_window_pattern", `is ${JSON.stringify(pattern)}, supported are words of L and G`);
  return layer => pattern[layer % pattern.length] === "L";
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  const isTurned = (layer: number) => c.windows.length === 0 || c.windows[layer] !== undefined;
  return decoder(weights, c, (w, layer) => block(w, c, isTurned(layer) ? rope : undefined));
}

function block(w: Weights, c: Config, rope: Rope | undefined): Block {
  const heads = w.at("self_attn");
  const attend = attention(heads, { ...c, attentionBias: false }, rope, { norm: headNorm(heads, c, c.eps) });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner);
  const normAttention = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_feedforward_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, normAttention(attend(x, batch, kv)));
    return add(h, normMlp(feed(h)));
  };
}
