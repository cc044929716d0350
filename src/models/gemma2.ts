// Gemma 2: Gemma with soft caps on attention and logits, norms before and after both halves of a block, and every
// other layer, beginning with the first, looking back through a sliding window.
import { add, softcap, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, mlp, readRope, readShape, readWindows } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Shape, Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly attentionCap: number;
  readonly logitCap: number;
  readonly scale: number;
  readonly rope: RopeSettings;
  readonly windows: Windows;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  for (const name of ["hidden_act", "hidden_activation"]) c.expect(name, "gelu_pytorch_tanh");
  const shape = readShape(c, { headDim: 256, eps: 1e-6, contextLength: 8192, tied: true });
  return {
    ...shape,
    attentionBias: c.flag("attention_bias", false),
    attentionCap: c.positive("attn_logit_softcapping", 50),
    logitCap: c.positive("final_logit_softcapping", 30),
    scale: c.positive("query_pre_attn_scalar", 256) ** -0.5,
    rope: readRope(c, shape.headDim, { base: 10000 }),
    windows: readWindows(c, shape.layers, layer => layer % 2 === 0, 4096),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope), {
    embedScale: Math.sqrt(c.hidden),
    norm: w => w.rmsNorm("norm", c.hidden, c.eps, 1),
    logits: x => softcap(x, c.logitCap),
  });
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), c, rope, { scale: c.scale, softcap: c.attentionCap });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner, { activation: "geluTanh" });
  const norm = (name: string) => w.rmsNorm(name, c.hidden, c.eps, 1);
  const [before, after] = [norm("input_layernorm"), norm("post_attention_layernorm")];
  const [beforeMlp, afterMlp] = [norm("pre_feedforward_layernorm"), norm("post_feedforward_layernorm")];
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, after(attend(before(x), batch, kv)));
    return add(h, afterMlp(feed(beforeMlp(h))));
  };
}
