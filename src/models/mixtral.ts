// Mixtral: Mistral's blocks with a mixture of experts in place of the MLP.
import { add, type Tensor } from "../mx/index.ts";
import {
  attention,
  decoder,
  expertMlp,
  expertNames,
  makeRope,
  makeRouter,
  moe,
  readExperts,
  readOneWindow,
  readRope,
  readShape,
} from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Routing, Shape, Windows } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly rope: RopeSettings;
  readonly windows: Windows;
  readonly routing: Routing;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-5, contextLength: 32768 });
  return {
    ...shape,
    rope: readRope(c, shape.headDim, { base: 1000000 }),
    windows: readOneWindow(c, shape.layers),
    routing: { ...readExperts(c, "num_local_experts", "num_experts_per_tok"), score: "softmaxOfChosen" },
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope));
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), { ...c, attentionBias: false }, rope);
  const feed = mixture(w.at("block_sparse_moe"), c);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}

function mixture(w: Weights, { hidden, inner, routing }: Config): Linear {
  const router = makeRouter(w.linear("gate", hidden, routing.experts, false), routing);
  return moe(router, expertMlp(w, { hidden, inner, experts: routing.experts }, expertNames("switch_mlp", ["w1", "w3", "w2"])));
}
