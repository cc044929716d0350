// Llama 1 to 3 and what follows them: pre-norm blocks of grouped-query attention and a gated MLP.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, mlp, readRope, readShape, readWindows } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Shape, Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly outputBias?: boolean; // where it differs from attentionBias
  readonly mlpBias: boolean;
  readonly rope: RopeSettings;
  readonly windows: Windows;
  readonly unturned?: ReadonlySet<number>; // layers without rotary positions
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { kvHeads: "heads", eps: 1e-6, contextLength: 2048 });
  return {
    ...shape,
    attentionBias: c.flag("attention_bias", false),
    mlpBias: c.flag("mlp_bias", false),
    rope: readRope(c, shape.headDim, { base: 10000 }),
    windows: readWindows(c, shape.layers),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, (w, layer) => block(w, c, c.unturned?.has(layer) ? undefined : rope));
}

function block(w: Weights, c: Config, rope: Rope | undefined): Block {
  const attend = attention(w.at("self_attn"), c, rope, c.outputBias === undefined ? {} : { outputBias: c.outputBias });
  w.skip("self_attn.rotary_emb.inv_freq"); // old exports hold what the config says already
  const feed = mlp(w.at("mlp"), c.hidden, c.inner, { bias: c.mlpBias });
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, attend(normAttention(x), batch, kv));
    return add(h, feed(normMlp(h)));
  };
}
