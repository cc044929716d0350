// Gemma 3, text: Gemma 2 without soft caps; query and key heads are normed, five layers with a sliding window and a short rope
// come before each one that sees everything.
import { add, astype, clip, dtype, scalar, type Tensor } from "../mx/index.ts";
import { attention, decoder, headNorm, makeRope, mlp, readLocalRope, readRope, readShape, readWindows } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Shape, Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly scale: number;
  readonly rope: RopeSettings;
  readonly localRope: RopeSettings; // of layers with a window
  readonly windows: Windows;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  return readFields(new Fields(json));
}

/** The same of a part of a config.json. */
export function readFields(c: Fields, defaults: { readonly heads?: number; readonly kvHeads?: number; readonly vocabSize?: number } = {}): Config {
  c.expect("hidden_activation", "gelu_pytorch_tanh");
  const shape = readShape(c, { headDim: 256, eps: 1e-6, contextLength: 32768, ...defaults });
  const pattern = c.count("sliding_window_pattern", 6);
  return {
    ...shape,
    attentionBias: c.flag("attention_bias", false),
    scale: c.positive("query_pre_attn_scalar", 256) ** -0.5,
    rope: readRope(c, shape.headDim, { base: 1000000, layers: "full_attention" }),
    localRope: readLocalRope(c, shape.headDim),
    windows: readWindows(c, shape.layers, layer => (layer + 1) % pattern !== 0, 512),
  };
}

/** The same model with another window in the layers that have one; undefined gives them full attention. */
export function withWindow(c: Config, window: number | undefined): Config {
  return { ...c, windows: c.windows.map(old => (old === undefined ? undefined : (window ?? c.contextLength))) };
}

export function build(weights: Weights, c: Config): Model {
  const [rope, localRope] = [makeRope(weights, c.rope), makeRope(weights, c.localRope)];
  return decoder(weights, c, (w, layer) => block(w, c, c.windows[layer] === undefined ? rope : localRope), {
    embedScale: toBfloat16(Math.sqrt(c.hidden)),
    norm: w => w.rmsNorm("norm", c.hidden, c.eps, 1),
  });
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const heads = w.at("self_attn");
  const attend = attention(heads, c, rope, { scale: c.scale, norm: headNorm(heads, c, c.eps, ["q_norm", "k_norm"], 1) });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner, { activation: "geluTanh" });
  const norm = (name: string) => w.rmsNorm(name, c.hidden, c.eps, 1);
  const [before, after] = [norm("input_layernorm"), norm("post_attention_layernorm")];
  const [beforeMlp, afterMlp] = [norm("pre_feedforward_layernorm"), norm("post_feedforward_layernorm")];
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = addBounded(x, after(attend(before(x), batch, kv)));
    return addBounded(h, afterMlp(feed(beforeMlp(h))));
  };
}

/** The model outgrows float16: there sums stay within its range. */
function addBounded(x: Tensor, y: Tensor): Tensor {
  if (dtype(x) !== "float16") return add(x, y);
  const sum = add(astype(x, "float32"), astype(y, "float32"));
  return astype(clip(sum, scalar(-65504), scalar(65504)), "float16");
}

/** The model was trained with a scale of this precision. */
function toBfloat16(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer);
  bits[0] = ((bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) >>> 16) << 16;
  return new Float32Array(bits.buffer)[0]!;
}
