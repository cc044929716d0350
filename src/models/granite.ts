// Granite 3: Llama's blocks with four multipliers, on embeddings, attention, residual branches and logits.
import { add, split, type Tensor } from "../mx/index.ts";
import { attention, decoder, expertMlp, makeRope, makeRouter, mlp, moe, readRope, readShape, scaled } from "../nn/index.ts";
import type { Block, DecoderExtras, Rope, RopeSettings, Routing, Shape } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  readonly embeddingMultiplier: number;
  readonly attentionMultiplier: number;
  readonly residualMultiplier: number;
  readonly logitsScaling: number;
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-6, contextLength: 2048 });
  return {
    ...shape,
    attentionBias: c.flag("attention_bias", false),
    mlpBias: c.flag("mlp_bias", false),
    embeddingMultiplier: c.number("embedding_multiplier", 1),
    attentionMultiplier: c.number("attention_multiplier", 1),
    residualMultiplier: c.number("residual_multiplier", 1),
    logitsScaling: c.positive("logits_scaling", 1),
    rope: readRope(c, shape.headDim, { base: 10000 }),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope), extras(c));
}

export function extras(c: Config): DecoderExtras {
  return { embedScale: c.embeddingMultiplier, logits: x => scaled(x, 1 / c.logitsScaling) };
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), c, rope, { scale: c.attentionMultiplier });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner, { bias: c.mlpBias });
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, scaled(attend(normAttention(x), batch, kv), c.residualMultiplier));
    return add(h, scaled(feed(normMlp(h)), c.residualMultiplier));
  };
}

/** The experts of Granite 3 MoE and Granite 4. */
export function mixture(w: Weights, { hidden, inner }: Shape, routing: Routing): Linear {
  w.derive("input_linear.weight", both => {
    const [gate, up] = split(both, 2, 1) as [Tensor, Tensor];
    return { "switch_mlp.gate_proj.weight": gate, "switch_mlp.up_proj.weight": up };
  });
  w.derive("output_linear.weight", down => ({ "switch_mlp.down_proj.weight": down }));
  const router = makeRouter(w.linear("router.layer", hidden, routing.experts, false), routing);
  return moe(router, expertMlp(w, { hidden, inner, experts: routing.experts }));
}
