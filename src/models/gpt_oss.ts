// gpt-oss: attention with sinks, every other layer with a sliding window, and experts in mxfp4 with a clipped gate.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { attention, decoder, expertMlp, expertNames, makeRope, makeRouter, moe, readExperts, readRope, readShape, readWindows } from "../nn/index.ts";
import type { Block, Gating, Rope, RopeSettings, Routing, Shape, Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly rope: RopeSettings;
  readonly windows: Windows;
  readonly routing: Routing;
  readonly limit: number; // of gate and up
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { headDim: 64, eps: 1e-5, contextLength: 131072, tied: false });
  return {
    ...shape,
    rope: readRope(c, shape.headDim, { base: 150000 }),
    windows: readWindows(c, shape.layers, layer => layer % 2 === 0, 128),
    routing: { ...readExperts(c, "num_local_experts", "num_experts_per_tok"), score: "softmaxOfChosen" },
    limit: c.positive("swiglu_limit", 7),
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope));
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const heads = w.at("self_attn");
  const attend = attention(heads, { ...c, attentionBias: true }, rope, { sinks: heads.numbers("sinks", [c.heads]) });
  const feed = mixture(w.at("mlp"), c);
  const normAttention = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normMlp = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = mx.add(x, attend(normAttention(x), batch, kv));
    return mx.add(h, feed(normMlp(h)));
  };
}

function mixture(w: Weights, { hidden, inner, routing, limit }: Config): Linear {
  readReleased(w.at("experts"));
  const router = makeRouter(w.linear("router", hidden, routing.experts, true), routing);
  return moe(router, expertMlp(w, { hidden, inner, experts: routing.experts, bias: true }, expertNames("experts"), clippedGate(limit)));
}

/** (up + 1) · gate · sigmoid(1.702 gate), where gate is at most `limit` and up within ± limit. */
function clippedGate(limit: number): Gating {
  return (gate, up) => {
    const [one, slope, high, low] = [1, 1.702, limit, -limit].map(value => mx.scalar(value, mx.dtype(gate))) as [Tensor, Tensor, Tensor, Tensor];
    const clipped = mx.minimum(gate, high);
    const opened = mx.multiply(clipped, mx.sigmoid(mx.multiply(slope, clipped)));
    return mx.multiply(mx.add(mx.clip(up, low, high), one), opened);
  };
}

/** The layout of OpenAI's release: blocks of 16 bytes, [experts, outputs, groups, 16], with rows of gate and up taking turns. */
function readReleased(w: Weights): void {
  const words = (blocks: Tensor): Tensor => mx.flatten(mx.view(blocks, "uint32"), -2);
  const rows = (t: Tensor, first: 0 | 1): Tensor => {
    const shape = mx.shape(t);
    return mx.contiguous(
      mx.slice(
        t,
        shape.map((_, axis) => (axis === 1 ? first : 0)),
        shape,
        shape.map((_, axis) => (axis === 1 ? 2 : 1)),
      ),
    );
  };
  const turns = (part: string) => (t: Tensor) => ({ [`gate_proj.${part}`]: rows(t, 0), [`up_proj.${part}`]: rows(t, 1) });
  w.derive("gate_up_proj_blocks", blocks => turns("weight")(words(blocks)));
  w.derive("gate_up_proj_scales", turns("scales"));
  w.derive("gate_up_proj_bias", turns("bias"));
  w.derive("down_proj_blocks", blocks => ({ "down_proj.weight": words(blocks) }));
  w.derive("down_proj_scales", scales => ({ "down_proj.scales": scales }));
  w.derive("down_proj_bias", bias => ({ "down_proj.bias": bias }));
}
