// Phi-1, Phi-1.5 and Phi-2: attention and a plain MLP side by side behind one layer norm, biases everywhere, partly turned heads.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, plainMlp, readActivation, readRope, readShape } from "../nn/index.ts";
import type { Activation, Block, Rope, RopeSettings, Shape } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly activation: Activation;
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  if (c.flag("qk_layernorm", false)) throw c.error("qk_layernorm", "is not supported for this family");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-5, epsName: "layer_norm_eps", contextLength: 2048, tied: false });
  return { ...shape, activation: readActivation(c, "gelu_new"), rope: readRope(c, shape.headDim, { base: 10000, partial: 0.5 }) };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope), { norm: w => w.layerNorm("final_layernorm", c.hidden, c.eps, true) });
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), { ...c, attentionBias: true }, rope, { output: "dense" });
  const feed = plainMlp(w.at("mlp"), c.hidden, c.inner, ["fc1", "fc2"], c.activation, true);
  const norm = w.layerNorm("input_layernorm", c.hidden, c.eps, true);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = norm(x);
    return add(add(attend(h, batch, kv), feed(h)), x);
  };
}
