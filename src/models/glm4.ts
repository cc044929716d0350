// GLM-4 (0414): norms before and after both halves of a block, half of each head turned in neighbouring pairs, a joined gate and up.
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
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { headDim: 128, eps: 1e-5, contextLength: 32768 });
  return {
    ...shape,
    attentionBias: c.flag("attention_bias", false),
    rope: readRope(c, shape.headDim, { base: 10000, partial: 0.5, traditional: true }),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope));
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), c, rope, { outputBias: false });
  const feed = mlp(w.at("mlp"), c.hidden, c.inner, { bias: false, fused: "gate_up_proj" });
  const norm = (name: string) => w.rmsNorm(name, c.hidden, c.eps);
  const [before, after] = [norm("input_layernorm"), norm("post_self_attn_layernorm")];
  const [beforeMlp, afterMlp] = [norm("post_attention_layernorm"), norm("post_mlp_layernorm")];
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, after(attend(before(x), batch, kv)));
    return add(h, afterMlp(feed(beforeMlp(h))));
  };
}
