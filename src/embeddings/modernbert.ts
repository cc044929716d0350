// ModernBERT (Warner et al. 2024): pre-norm blocks with rotary positions and gated MLPs; two layers of three look only at neighbours.
import * as mx from "../mx/index.ts";
import { add, type Tensor } from "../mx/index.ts";
import { attention, makeRope, mlp, readActivation } from "../nn/index.ts";
import type { Activation, Rope, RopeSettings } from "../nn/index.ts";
import { Fields, MOST_HEADS, MOST_LAYERS } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Encoder, Pooling, Ranker } from "./encoder.ts";
import { pool } from "./pooling.ts";
import { TextAttention, type Packed, type Sight } from "./texts.ts";

export interface Config {
  readonly hidden: number;
  readonly inner: number;
  readonly heads: number;
  readonly eps: number;
  readonly vocabSize: number;
  readonly maxLength: number;
  readonly activation: Activation;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  readonly normBias: boolean;
  readonly layers: readonly ("full_attention" | "sliding_attention")[];
  readonly reach: number; // of sliding attention
  readonly rope: { readonly full_attention: RopeSettings; readonly sliding_attention: RopeSettings };
  readonly classifierBias: boolean;
  readonly classifierPooling: Pooling;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  const [hidden, heads] = [c.count("hidden_size"), c.count("num_attention_heads", undefined, MOST_HEADS)];
  if (hidden % heads !== 0) throw c.error("hidden_size", `is ${hidden}, not divisible by num_attention_heads ${heads}`);
  c.expect("classifier_pooling", "cls", "mean");
  c.expect("classifier_activation", "gelu");
  const width = hidden / heads;
  const rope = (base: number): RopeSettings => ({ width, dims: width, base, scale: 1 });
  return {
    hidden,
    inner: c.count("intermediate_size"),
    heads,
    eps: c.positive("norm_eps", 1e-5),
    vocabSize: c.count("vocab_size"),
    maxLength: c.count("max_position_embeddings", 8192),
    activation: readActivation(c, "gelu", "hidden_activation"),
    attentionBias: c.flag("attention_bias", false),
    mlpBias: c.flag("mlp_bias", false),
    normBias: c.flag("norm_bias", false),
    layers: readLayers(c),
    reach: Math.floor(c.count("local_attention", 128) / 2) + 1,
    rope: {
      full_attention: rope(readBase(c, "full_attention", "global_rope_theta", 160000)),
      sliding_attention: rope(readBase(c, "sliding_attention", "local_rope_theta", 10000)),
    },
    classifierBias: c.flag("classifier_bias", false),
    classifierPooling: c.text("classifier_pooling", "cls") as Pooling,
  };
}

function readLayers(c: Fields): Config["layers"] {
  const count = c.count("num_hidden_layers", undefined, MOST_LAYERS);
  const every = c.count("global_attn_every_n_layers", 3);
  const types = c.list("layer_types") ?? Array.from({ length: count }, (_, i) => (i % every === 0 ? "full_attention" : "sliding_attention"));
  if (types.length !== count) throw c.error("layer_types", `has ${types.length} entries for ${count} layers`);
  const strange = types.find(type => type !== "full_attention" && type !== "sliding_attention");
  if (strange !== undefined) throw c.error("layer_types", `has ${JSON.stringify(strange)}, supported: full_attention, sliding_attention`);
  return types as Config["layers"];
}

/** Newer configs keep both bases in rope_parameters. */
function readBase(c: Fields, type: string, name: string, fallback: number): number {
  const parameters = c.object("rope_parameters")?.object(type);
  parameters?.expect("rope_type", "default");
  return parameters?.positive("rope_theta", c.positive(name, fallback)) ?? c.positive(name, fallback);
}

export function buildEncoder(weights: Weights, c: Config): Encoder {
  for (const head of ["head", "decoder"]) weights.at(head).skipAll();
  return trunk(weights.has("model.embeddings.tok_embeddings.weight") ? weights.at("model") : weights, c);
}

export function buildRanker(weights: Weights, c: Config): Ranker {
  const encoder = trunk(weights.at("model"), c);
  const head = weights.at("head");
  const dense = head.linear("dense", c.hidden, c.hidden, c.classifierBias);
  const norm = head.layerNorm("norm", c.hidden, c.eps, c.normBias);
  const classify = weights.linear("classifier", c.hidden, 1, true);
  return { ...encoder, score: (hidden, texts) => classify(norm(mx.gelu(dense(pool(hidden, texts, c.classifierPooling))))) };
}

function trunk(w: Weights, c: Config): Encoder {
  const words = w.rows("embeddings.tok_embeddings", c.vocabSize, c.hidden);
  const normWords = w.layerNorm("embeddings.norm", c.hidden, c.eps, c.normBias);
  const ropes = { full_attention: makeRope(w, c.rope.full_attention), sliding_attention: makeRope(w, c.rope.sliding_attention) };
  const blocks = c.layers.map((type, i) => block(w.at(`layers.${i}`), c, ropes[type], i === 0));
  const norm = w.layerNorm("final_norm", c.hidden, c.eps, c.normBias);
  const sights: Readonly<Record<string, Sight>> = { full_attention: { causal: false }, sliding_attention: { causal: false, reach: c.reach } };
  return {
    vocabSize: c.vocabSize,
    segments: 1,
    maxLength: c.maxLength,
    width: c.hidden,
    pooling: "mean",
    forward: texts => {
      const layers = c.layers.map(type => new TextAttention(texts, sights[type]!));
      return norm(blocks.reduce((x, layer, i) => layer(x, texts, layers[i]!), normWords(words(texts.ids))));
    },
  };
}

/** The first block's input is normed already. */
function block(w: Weights, c: Config, rope: Rope, isFirst: boolean): (x: Tensor, texts: Packed, layer: TextAttention) => Tensor {
  const shape = { hidden: c.hidden, heads: c.heads, kvHeads: c.heads, headDim: c.hidden / c.heads, attentionBias: c.attentionBias };
  const attend = attention(w.at("attn"), shape, rope, { fused: "Wqkv", output: "Wo" });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner, { fused: "Wi", names: ["", "", "Wo"], bias: c.mlpBias, activation: c.activation });
  const norm = (name: string) => w.layerNorm(name, c.hidden, c.eps, c.normBias);
  const [normAttention, normMlp] = [isFirst ? (x: Tensor) => x : norm("attn_norm"), norm("mlp_norm")];
  return (x, { batch }, layer) => {
    const h = add(x, attend(normAttention(x), batch, layer));
    return add(h, feed(normMlp(h)));
  };
}
