// BERT (Devlin et al. 2018): learned positions, attention to both sides, norms behind each sum.
import * as mx from "../mx/index.ts";
import { add, tanh, type Tensor } from "../mx/index.ts";
import { plainMlp, readActivation, type Activation } from "../nn/index.ts";
import { Fields, MOST_HEADS, MOST_LAYERS } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import type { Encoder, Ranker } from "./encoder.ts";
import { pool } from "./pooling.ts";
import { TextAttention, type Packed } from "./texts.ts";

export interface Config {
  readonly hidden: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly eps: number;
  readonly vocabSize: number;
  readonly segments: number;
  readonly positions: number; // rows of the table
  readonly firstPosition: number; // row of a text's first id
  readonly activation: Activation;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  return readFields(new Fields(json), 0);
}

/** The same with positions that begin at another row of their table. */
export function readFields(c: Fields, firstPosition: number): Config {
  c.expect("position_embedding_type", "absolute");
  if (c.flag("is_decoder", false)) throw c.error("is_decoder", "is true, which is not supported for this family");
  const [hidden, heads] = [c.count("hidden_size"), c.count("num_attention_heads", undefined, MOST_HEADS)];
  if (hidden % heads !== 0) throw c.error("hidden_size", `is ${hidden}, not divisible by num_attention_heads ${heads}`);
  const positions = c.count("max_position_embeddings", 512);
  if (positions <= firstPosition) throw c.error("max_position_embeddings", `is ${positions}, and the first position is ${firstPosition}`);
  return {
    hidden,
    inner: c.count("intermediate_size"),
    layers: c.count("num_hidden_layers", undefined, MOST_LAYERS),
    heads,
    eps: c.positive("layer_norm_eps", 1e-12),
    vocabSize: c.count("vocab_size"),
    segments: c.count("type_vocab_size", 2),
    positions,
    firstPosition,
    activation: readActivation(c, "gelu"),
  };
}

export function buildEncoder(weights: Weights, c: Config): Encoder {
  const w = weights.has("bert.embeddings.word_embeddings.weight") ? weights.at("bert") : weights;
  w.at("pooler").skipAll();
  return trunk(w, c);
}

export function buildRanker(weights: Weights, c: Config): Ranker {
  const encoder = trunk(weights.at("bert"), c);
  const pooler = weights.linear("bert.pooler.dense", c.hidden, c.hidden, true);
  const classify = weights.linear("classifier", c.hidden, 1, true);
  return { ...encoder, score: (hidden, texts) => classify(tanh(pooler(pool(hidden, texts, "cls")))) };
}

/** Everything but the heads. */
export function trunk(w: Weights, c: Config): Encoder {
  const embed = embeddings(w.at("embeddings"), c);
  const blocks = Array.from({ length: c.layers }, (_, i) => block(w.at(`encoder.layer.${i}`), c));
  return {
    vocabSize: c.vocabSize,
    segments: c.segments,
    maxLength: c.positions - c.firstPosition,
    width: c.hidden,
    pooling: "mean",
    forward: texts => {
      const attention = new TextAttention(texts, { causal: false });
      return blocks.reduce((x, layer) => layer(x, texts, attention), embed(texts));
    },
  };
}

function embeddings(w: Weights, c: Config): (texts: Packed) => Tensor {
  w.skip("position_ids"); // old exports hold 0, 1, 2, …
  const words = w.rows("word_embeddings", c.vocabSize, c.hidden);
  const positions = w.rows("position_embeddings", c.positions, c.hidden);
  const segments = w.rows("token_type_embeddings", c.segments, c.hidden);
  const norm = w.layerNorm("LayerNorm", c.hidden, c.eps, true);
  return ({ ids, segments: of, batch }) => {
    const places = add(batch.positions, mx.scalar(c.firstPosition, "int32"));
    return norm(add(add(words(ids), segments(of)), positions(places)));
  };
}

function block(w: Weights, c: Config): (x: Tensor, texts: Packed, attention: TextAttention) => Tensor {
  const attend = selfAttention(w.at("attention"), c);
  const normAttention = w.layerNorm("attention.output.LayerNorm", c.hidden, c.eps, true);
  const feed = plainMlp(w, c.hidden, c.inner, ["intermediate.dense", "output.dense"], c.activation, true);
  const norm = w.layerNorm("output.LayerNorm", c.hidden, c.eps, true);
  return (x, texts, attention) => {
    const h = normAttention(add(x, attend(x, texts, attention)));
    return norm(add(h, feed(h)));
  };
}

function selfAttention(w: Weights, { hidden, heads }: Config): (x: Tensor, texts: Packed, attention: TextAttention) => Tensor {
  const project: Linear = w.joined(hidden, { "self.query": hidden, "self.key": hidden, "self.value": hidden }, true);
  const output = w.linear("output.dense", hidden, hidden, true);
  const headDim = hidden / heads;
  return (x, { batch }, attention) => {
    const all = mx.transpose(mx.reshape(project(x), [1, batch.length, 3 * heads, headDim]), [0, 2, 1, 3]); // [1, 3 heads, T, headDim]
    const [q, k, v] = mx.split(all, 3, 1) as [Tensor, Tensor, Tensor];
    const seen = attention.attend(q, k, v, batch, { scale: headDim ** -0.5 });
    return output(mx.reshape(mx.transpose(seen, [0, 2, 1, 3]), [1, batch.length, hidden]));
  };
}
