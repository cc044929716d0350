// InternLM2 and 2.5: Llama under other names, with queries, keys and values in one projection, grouped by key head.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, mlp, readRope, readShape } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Shape } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-6, contextLength: 32768 });
  return { ...shape, attentionBias: c.flag("bias", true), rope: readRope(c, shape.headDim, { base: 10000 }) };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope), { embedding: "tok_embeddings", head: "output" });
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const heads = w.at("attention");
  const attend = attention(heads, c, rope, { fused: "wqkv", output: "wo", arrange: arrange(heads, c) });
  heads.skip("rope.inv_freq"); // old exports hold what the config says already
  const feed = mlp(w.at("feed_forward"), c.hidden, c.inner, { bias: false, names: ["w1", "w3", "w2"] });
  const normAttention = w.rmsNorm("attention_norm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("ffn_norm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = mx.add(x, attend(normAttention(x), batch, kv));
    return mx.add(h, feed(normMlp(h)));
  };
}

/** Stored are, for each key head, its query heads, itself and its value head. */
function arrange(w: Weights, { heads, kvHeads }: Config): Linear {
  const group = heads / kvHeads + 2;
  const places = [...Array(kvHeads * group).keys()];
  const part = (i: number): number => Math.max(0, (i % group) - (group - 3)); // 0 query, 1 key, 2 value
  const order = [0, 1, 2].flatMap(kind => places.filter(i => part(i) === kind));
  const indices = w.constant(() => mx.fromArray(Int32Array.from(order), [order.length]));
  return all => mx.take(all, indices, 1);
}
