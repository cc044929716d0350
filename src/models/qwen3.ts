// Qwen3, dense: pre-norm blocks of grouped-query attention whose query and key heads are normalised, and a gated MLP.
import { add, type Tensor } from "../mx/index.ts";
import { attention, head, makeRope, mlp, readRope, type Rope, type RopeSettings } from "../nn/index.ts";
import { Fields, MOST_HEAD_DIM, MOST_LAYERS } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config {
  readonly hidden: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly attentionBias: boolean;
  readonly eps: number;
  readonly rope: RopeSettings;
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly tied: boolean | undefined;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  if (c.flag("use_sliding_window", false)) throw c.error("use_sliding_window", "is not supported for this family");
  const [heads, kvHeads] = [c.count("num_attention_heads"), c.count("num_key_value_heads")];
  if (heads % kvHeads !== 0) throw c.error("num_attention_heads", `is ${heads}, not divisible by num_key_value_heads ${kvHeads}`);
  const headDim = c.count("head_dim", 128, MOST_HEAD_DIM);
  return {
    hidden: c.count("hidden_size"),
    inner: c.count("intermediate_size"),
    layers: c.count("num_hidden_layers", undefined, MOST_LAYERS),
    heads,
    kvHeads,
    headDim,
    attentionBias: c.flag("attention_bias", false),
    eps: c.positive("rms_norm_eps", 1e-6),
    rope: readRope(c, headDim),
    vocabSize: c.count("vocab_size"),
    contextLength: c.count("max_position_embeddings"),
    tied: c.flag("tie_word_embeddings"),
  };
}

export function build(weights: Weights, c: Config): Model {
  const w = weights.at("model");
  const embedding = w.embedding("embed_tokens", c.vocabSize, c.hidden);
  const rope = makeRope(weights, c.rope);
  const blocks = Array.from({ length: c.layers }, (_, i) => block(w.at(`layers.${i}`), c, rope));
  const norm = w.rmsNorm("norm", c.hidden, c.eps);
  return {
    vocabSize: c.vocabSize,
    contextLength: c.contextLength,
    layout: blocks.map(() => ({ kvHeads: c.kvHeads, headDim: c.headDim })),
    embed: embedding.rows,
    forward: (hidden, batch, kv) => norm(blocks.reduce((x, layer, i) => layer(x, batch, kv[i]!), hidden)),
    logits: head(weights, embedding, c.hidden, c.vocabSize, c.tied),
  };
}

function block(w: Weights, c: Config, rope: Rope) {
  const attend = attention(w.at("self_attn"), c, rope, { headNorm: c.eps });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}
