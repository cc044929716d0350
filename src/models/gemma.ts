// Gemma 1: scaled embeddings, norms that multiply by 1 + gain, and an MLP gated by GELU in its tanh form.
// Its first configs say "gelu" and mean the tanh form: https://github.com/huggingface/transformers/pull/29402
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, mlp, readRope, readShape } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Shape } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  for (const name of ["hidden_act", "hidden_activation"]) c.expect(name, "gelu", "gelu_pytorch_tanh");
  const shape = readShape(c, { headDim: 256, eps: 1e-6, contextLength: 8192, tied: true });
  return { ...shape, attentionBias: c.flag("attention_bias", false), rope: readRope(c, shape.headDim, { base: 10000 }) };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope), { embedScale: Math.sqrt(c.hidden), norm: w => w.rmsNorm("norm", c.hidden, c.eps, 1) });
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), c, rope);
  w.skip("self_attn.rotary_emb.inv_freq"); // old exports hold what the config says already
  const feed = mlp(w.at("mlp"), c.hidden, c.inner, { activation: "geluTanh" });
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps, 1);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps, 1);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}
