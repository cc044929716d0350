// StableLM 2: layer norms, a quarter of each head turned; the 12B has one residual for both halves of a block and norms each head apart.
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
  readonly isParallel: boolean;
  readonly normsHeads: boolean;
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-5, epsName: "layer_norm_eps", contextLength: 4096 });
  return {
    ...shape,
    attentionBias: c.flag("use_qkv_bias", false),
    isParallel: c.flag("use_parallel_residual", false),
    normsHeads: c.flag("qk_layernorm", false),
    rope: readRope(c, shape.headDim, { base: 10000, partial: 0.25 }),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope), { norm: w => w.layerNorm("norm", c.hidden, c.eps, true) });
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const heads = w.at("self_attn");
  const attend = attention(heads, c, rope, { outputBias: false, ...(c.normsHeads ? { norm: normEach(heads, c) } : {}) });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner);
  const norm = w.layerNorm("input_layernorm", c.hidden, c.eps, true);
  const normMlp = c.isParallel ? undefined : w.layerNorm("post_attention_layernorm", c.hidden, c.eps, true);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const normed = norm(x);
    const h = mx.add(x, attend(normed, batch, kv));
    return mx.add(h, feed(normMlp === undefined ? normed : normMlp(h)));
  };
}

/** A layer norm with a gain of its own for every head. */
function normEach(w: Weights, { heads, kvHeads, headDim, eps }: Config): Linear {
  const gains = (name: string, count: number) => Array.from({ length: count }, (_, i) => w.gain(`${name}.norms.${i}`, headDim));
  const all = [...gains("q_layernorm", heads), ...gains("k_layernorm", kvHeads)];
  const gain = w.constant(() => mx.expandDims(mx.stack(all, 0), 1)); // [heads + kvHeads, 1, headDim]
  return x => mx.multiply(mx.layerNorm(x, undefined, undefined, eps), gain);
}
