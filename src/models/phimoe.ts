// Phi-3.5-MoE: Phi-3's blocks with layer norms, biases and experts that SparseMixer (Liu et al. 2024) chooses one after the other.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { attention, decoder, expertMlp, expertNames, makeRope, moe, readExperts, readOneWindow, readRope, readShape } from "../nn/index.ts";
import type { Block, Rope, RopeSettings, Router, Shape, Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean | undefined;
  readonly rope: RopeSettings;
  readonly windows: Windows;
  readonly experts: number;
  readonly chosen: number;
  readonly nearness: number; // how far below the best score, as a share of it, others still count
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const shape = readShape(c, { kvHeads: 8, eps: 1e-5, contextLength: 131072, tied: false });
  const jitter = c.number("router_jitter_noise", 0.01);
  if (jitter < 0) throw c.error("router_jitter_noise", `is ${jitter}, less than 0`);
  return {
    ...shape,
    attentionBias: c.flag("attention_bias"),
    rope: readRope(c, shape.headDim, { base: 1e6 }),
    windows: readOneWindow(c, shape.layers),
    ...readExperts(c, "num_local_experts", "num_experts_per_tok"),
    nearness: 2 * jitter,
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  return decoder(weights, c, w => block(w, c, rope), { norm: w => w.layerNorm("norm", c.hidden, c.eps, true) });
}

function block(w: Weights, c: Config, rope: Rope): Block {
  const attend = attention(w.at("self_attn"), c, rope);
  const feed = mixture(w.at("block_sparse_moe"), c);
  const normAttention = w.layerNorm("input_layernorm", c.hidden, c.eps, true);
  const normFeed = w.layerNorm("post_attention_layernorm", c.hidden, c.eps, true);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = mx.add(x, attend(normAttention(x), batch, kv));
    return mx.add(h, feed(normFeed(h)));
  };
}

function mixture(w: Weights, c: Config): Linear {
  const router = sparseMixer(w.linear("gate", c.hidden, c.experts, false), c);
  return moe(router, expertMlp(w, c, expertNames("switch_mlp", ["w1", "w3", "w2"])));
}

/** The best of the experts that are left is chosen, and counts by its share among those that are near to it. */
export function sparseMixer(project: Linear, { chosen, nearness }: Pick<Config, "chosen" | "nearness">): Router {
  return tokens => {
    const scores = mx.astype(project(tokens), "float32"); // [T, experts]
    const [bound, none] = [mx.scalar(nearness), mx.scalar(-Infinity)];
    let left = scores;
    const picks = Array.from({ length: chosen }, () => {
      const index = mx.argmax(left, -1, true);
      const best = mx.takeAlongAxis(left, index, -1);
      const below = mx.divide(mx.subtract(best, scores), mx.maximum(mx.abs(scores), best));
      const near = mx.where(mx.greater(below, bound), none, left);
      left = mx.putAlongAxis(left, index, none, -1);
      return [index, mx.takeAlongAxis(mx.softmax(near), index, -1)] as const;
    });
    return [0, 1].map(part =>
      mx.concatenate(
        picks.map(pick => pick[part]!),
        -1,
      ),
    ) as [Tensor, Tensor];
  };
}
