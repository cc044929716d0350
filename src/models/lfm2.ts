// LFM2: gated short convolutions, and attention in some layers.
import { add, multiply, split, type Tensor } from "../mx/index.ts";
import { attention, decoder, headNorm, makeRope, mlp, readRope, readShape, shortConv, windowLayout } from "../nn/index.ts";
import type { Block, DecoderExtras, Rope, RopeSettings, Shape, ShapeDefaults } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attends: readonly boolean[]; // per layer
  readonly convWidth: number;
  readonly convBias: boolean;
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  const said = c.has("block_ff_dim") ? c.count("block_ff_dim") : undefined;
  const config = readWith(c, { inner: said });
  return { ...config, inner: readInner(c, said ?? config.inner) };
}

/** LFM2-MoE's too. */
export function readWith(c: Fields, defaults: ShapeDefaults): Config {
  const shape = readShape(c, { eps: 1e-5, epsName: "norm_eps", contextLength: 128000, tied: true, ...defaults });
  return {
    ...shape,
    attends: readAttends(c, shape.layers),
    convWidth: c.count("conv_L_cache", 3),
    convBias: c.flag("conv_bias", false),
    rope: readRope(c, shape.headDim, { base: 1e6 }),
  };
}

function readAttends(c: Fields, layers: number): boolean[] {
  const types = c.list("layer_types");
  if (types === undefined) {
    const attending = c.wholes("full_attn_idxs");
    return Array.from({ length: layers }, (_, layer) => attending.includes(layer));
  }
  if (types.length !== layers) throw c.error("layer_types", `has ${types.length} entries for ${layers} layers`);
  return types.map(type => {
    if (type !== "conv" && type !== "full_attention") throw c.error("layer_types", `has ${JSON.stringify(type)}, supported: conv, full_attention`);
    return type === "full_attention";
  });
}

/** The MLP is two thirds of what config.json says, up to a multiple. */
function readInner(c: Fields, inner: number): number {
  if (!c.flag("block_auto_adjust_ff_dim", true)) return inner;
  const multiple = c.count("block_multiple_of", 256);
  const adjusted = Math.trunc(c.positive("block_ffn_dim_multiplier", 1) * Math.trunc((2 * inner) / 3));
  return multiple * Math.ceil(adjusted / multiple);
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  const feed = (w: Weights): Linear => mlp(w, c.hidden, c.inner, { bias: false, names: ["w1", "w3", "w2"] });
  return decoder(weights, c, (w, layer) => block(w, c, rope, c.attends[layer]!, feed), extras(c));
}

export function extras(c: Config): DecoderExtras {
  const states = [windowLayout(c.hidden, c.convWidth)];
  return {
    norm: w => w.rmsNorm("embedding_norm", c.hidden, c.eps),
    recurrent: layer => (c.attends[layer]! ? undefined : { states }),
  };
}

export function block(w: Weights, c: Config, rope: Rope, attends: boolean, makeFeed: (w: Weights) => Linear): Block {
  const mix = attends ? attend(w.at("self_attn"), c, rope) : gatedConv(w.at("conv"), c);
  const feed = makeFeed(w.at("feed_forward"));
  const normMix = w.rmsNorm("operator_norm", c.hidden, c.eps);
  const normFeed = w.rmsNorm("ffn_norm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, mix(normMix(x), batch, kv));
    return add(h, feed(normFeed(h)));
  };
}

function attend(w: Weights, c: Config, rope: Rope): Block {
  const norm = headNorm(w, c, c.eps, ["q_layernorm", "k_layernorm"]);
  return attention(w, { ...c, attentionBias: false }, rope, { norm, output: "out_proj" });
}

/** Inputs are gated before they are convolved and after. */
function gatedConv(w: Weights, { hidden, convWidth, convBias }: Config): Block {
  const project = w.linear("in_proj", hidden, 3 * hidden, convBias);
  const conv = shortConv(w, "conv", hidden, convWidth, convBias);
  const output = w.linear("out_proj", hidden, hidden, convBias);
  return (x, _batch, kv) => {
    const [before, after, inner] = split(project(x), 3, -1) as [Tensor, Tensor, Tensor];
    const convolved = kv.carry(x, ([window]) => {
      const [out, next] = conv(multiply(before, inner), window!);
      return { output: out, states: [next] };
    });
    return output(multiply(after, convolved));
  };
}
