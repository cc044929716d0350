// Ministral 3: Llama's blocks with YaRN, and queries that grow with the logarithm of their position beyond the trained context.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, mlp, positions, readRope, readShape, readWindows } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Shape, Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly rope: RopeSettings;
  readonly windows: Windows;
  readonly growth: number;
  readonly trained: number; // context before queries grow
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-5, contextLength: 262144 });
  const parameters = c.object("rope_parameters");
  if (parameters === undefined) throw c.error("rope_parameters", "is missing");
  return {
    ...shape,
    rope: readRope(c, shape.headDim),
    windows: readWindows(c, shape.layers),
    growth: parameters.number("llama_4_scaling_beta"),
    trained: parameters.positive("original_max_position_embeddings"),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope));
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), { ...c, attentionBias: false }, rope, { change: grown(c) });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = mx.add(x, attend(normAttention(x), batch, kv));
    return mx.add(h, feed(normMlp(h)));
  };
}

/** Queries times 1 + growth · ln(1 + ⌊position / trained⌋). */
function grown({ growth, trained }: Config): (queries: Tensor, batch: Batch) => Tensor {
  return (queries, batch) => {
    const contexts = mx.floor(mx.divide(positions(batch), mx.scalar(trained))); // [B, 1, L, 1]
    const factor = mx.add(mx.multiply(mx.log1p(contexts), mx.scalar(growth)), mx.scalar(1));
    return mx.multiply(queries, mx.astype(factor, mx.dtype(queries)));
  };
}
