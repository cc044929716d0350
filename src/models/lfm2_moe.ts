// LFM2-MoE: LFM2 in which, behind the first layers, experts take the MLP's place.
import { decoder, expertMlp, expertNames, makeRope, makeRouter, mlp, moe, readExperts, type Routing } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import * as lfm2 from "./lfm2.ts";
import type { Model } from "./model.ts";

export interface Config extends lfm2.Config {
  readonly expertInner: number;
  readonly dense: number; // layers without experts
  readonly isCorrected: boolean;
  readonly routing: Routing;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  return {
    ...lfm2.readWith(c, {}),
    expertInner: c.count("moe_intermediate_size"),
    dense: c.whole("num_dense_layers", 2),
    isCorrected: c.flag("use_expert_bias", true),
    routing: {
      ...readExperts(c, "num_experts", "num_experts_per_tok"),
      score: "sigmoid",
      isNormed: c.flag("norm_topk_prob", true),
      factor: c.positive("routed_scaling_factor", 1),
    },
  };
}

export function build(weights: Weights, c: Config): Model {
  const rope = makeRope(weights, c.rope);
  const feed = (layer: number) => (w: Weights) => (layer < c.dense ? dense(w, c) : mixture(w, c));
  return decoder(weights, c, (w, layer) => lfm2.block(w, c, rope, c.attends[layer]!, feed(layer)), lfm2.extras(c));
}

function dense(w: Weights, { hidden, inner }: Config): Linear {
  const torchNames = { w1: "gate_proj", w3: "up_proj", w2: "down_proj" };
  for (const [torch, name] of Object.entries(torchNames)) w.derive(`${torch}.weight`, matrix => ({ [`${name}.weight`]: matrix }));
  return mlp(w, hidden, inner, { bias: false });
}

function mixture(w: Weights, { hidden, expertInner, isCorrected, routing }: Config): Linear {
  const correction = isCorrected ? w.numbers("expert_bias", [routing.experts]) : undefined;
  const router = makeRouter(w.linear("gate", hidden, routing.experts, false), routing, correction);
  return moe(router, expertMlp(w, { hidden, inner: expertInner, experts: routing.experts }, expertNames("switch_mlp", ["w1", "w3", "w2"])));
}
