// Llama 1 to 3 and what follows them: pre-norm blocks of grouped-query attention and a gated MLP.
import { add, type Tensor } from "../mx/index.ts";
import { attention, head, makeRope, mlp, readRope, type Rope, type RopeSettings } from "../nn/index.ts";
import { Fields, MOST_HEAD_DIM, MOST_LAYERS } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, LayerLayout, Model } from "./model.ts";

export interface Config {
  readonly hidden: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  readonly eps: number;
  readonly rope: RopeSettings;
  readonly windows: readonly (number | undefined)[]; // one per layer
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly tied: boolean | undefined;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const [hidden, layers, heads] = [c.count("hidden_size"), c.count("num_hidden_layers", undefined, MOST_LAYERS), c.count("num_attention_heads")];
  const kvHeads = c.count("num_key_value_heads", heads);
  if (heads % kvHeads !== 0) throw c.error("num_attention_heads", `is ${heads}, not divisible by num_key_value_heads ${kvHeads}`);
  if (!c.has("head_dim") && hidden % heads !== 0) throw c.error("hidden_size", `is ${hidden}, not divisible by num_attention_heads ${heads}`);
  const headDim = c.count("head_dim", hidden / heads, MOST_HEAD_DIM);
  return {
    hidden,
    inner: c.count("intermediate_size"),
    layers,
    heads,
    kvHeads,
    headDim,
    attentionBias: c.flag("attention_bias", false),
    mlpBias: c.flag("mlp_bias", false),
    eps: c.positive("rms_norm_eps", 1e-6),
    rope: readRope(c, headDim, 10000),
    windows: readWindows(c, layers),
    vocabSize: c.count("vocab_size"),
    contextLength: c.count("max_position_embeddings", 2048),
    tied: c.flag("tie_word_embeddings"),
  };
}

/** Layers look back through sliding_window where layer_types says so, and fully where it says nothing. */
function readWindows(c: Fields, layers: number): (number | undefined)[] {
  const types = c.list("layer_types") ?? Array<unknown>(layers).fill("full_attention");
  if (types.length !== layers) throw c.error("layer_types", `has ${types.length} entries for ${layers} layers`);
  return types.map(type => {
    if (type === "full_attention") return undefined;
    if (type === "sliding_attention") return c.count("sliding_window");
    throw c.error("layer_types", `has ${JSON.stringify(type)}, supported: full_attention, sliding_attention`);
  });
}

export function build(weights: Weights, c: Config): Model {
  const w = weights.at("model");
  const embedding = w.embedding("embed_tokens", c.vocabSize, c.hidden);
  const rope = makeRope(weights, c.rope);
  const blocks = c.windows.map((_, i) => block(w.at(`layers.${i}`), c, rope));
  const norm = w.rmsNorm("norm", c.hidden, c.eps);
  return {
    vocabSize: c.vocabSize,
    contextLength: c.contextLength,
    layout: c.windows.map(window => layout(c, window)),
    embed: embedding.rows,
    forward: (hidden, batch, kv) => norm(blocks.reduce((x, layer, i) => layer(x, batch, kv[i]!), hidden)),
    logits: head(weights, embedding, c.hidden, c.vocabSize, c.tied),
  };
}

function layout({ kvHeads, headDim }: Config, window: number | undefined): LayerLayout {
  return window === undefined ? { kvHeads, headDim } : { kvHeads, headDim, window };
}

function block(w: Weights, c: Config, rope: Rope) {
  const attend = attention(w.at("self_attn"), c, rope);
  w.skip("self_attn.rotary_emb.inv_freq"); // old exports hold what the config says already
  const feed = mlp(w.at("mlp"), c.hidden, c.inner, c.mlpBias);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}
