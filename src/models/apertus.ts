// Apertus: normed query and key heads, and a plain MLP with xIELU (Huang and Schlag 2025), whose two slopes are learnt per layer.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { attention, decoder, headNorm, makeRope, readRope, readShape } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Shape } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly mlpBias: boolean;
  readonly rope: RopeSettings;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "xielu");
  if (c.flag("post_norm", false)) throw c.error("post_norm", "is not supported for this family");
  if (c.flag("attention_bias", false)) throw c.error("attention_bias", "is not supported for this family");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-5, contextLength: 65536 });
  return { ...shape, mlpBias: c.flag("mlp_bias", false), rope: readRope(c, shape.headDim, { base: 12000000 }) };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope));
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const heads = w.at("self_attn");
  const attend = attention(heads, { ...c, attentionBias: false }, rope, { norm: headNorm(heads, c, c.eps) });
  const feed = mlp(w.at("mlp"), c);
  const normAttention = w.rmsNorm("attention_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("feedforward_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = mx.add(x, attend(normAttention(x), batch, kv));
    return mx.add(h, feed(normMlp(h)));
  };
}

function mlp(w: Weights, c: Config): Linear {
  const [up, down] = [w.linear("up_proj", c.hidden, c.inner, c.mlpBias), w.linear("down_proj", c.inner, c.hidden, c.mlpBias)];
  const act = xielu(w.at("act_fn"));
  return x => down(act(up(x)));
}

/** α x² + β x above 0, and α (exp(x) - 1 - x) + β x below; each side has its own α. */
function xielu(w: Weights): Linear {
  const one = (name: string): Tensor => mx.reshape(w.tensor(name), []);
  const [above, below] = ["alpha_p", "alpha_n"].map(name => mx.softplus(one(name))) as [Tensor, Tensor];
  const [beta, eps] = ["beta", "eps"].map(one) as [Tensor, Tensor];
  const [positive, negative] = [w.constant(() => mx.contiguous(above)), w.constant(() => mx.add(beta, below))];
  const [slope, limit] = [w.constant(() => mx.contiguous(beta)), w.constant(() => mx.contiguous(eps))];
  return x => {
    const bent = mx.multiply(mx.subtract(mx.expm1(mx.minimum(x, limit)), x), negative);
    return mx.add(mx.where(mx.greater(x, mx.zerosLike(x)), mx.multiply(mx.square(x), positive), bent), mx.multiply(x, slope));
  };
}
