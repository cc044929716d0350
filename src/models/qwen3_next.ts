// Qwen3-Next: gated delta nets, every fourth layer gated attention, and experts beside one that sees every token through a gate.
import { add, astype, scalar, split, type Tensor } from "../mx/index.ts";
import {
  attention,
  decoder,
  expertMlp,
  gatedDelta,
  gatedDeltaLayout,
  gatedShared,
  headNorm,
  isTorchConv,
  makeRope,
  makeRouter,
} from "../nn/index.ts";
import { mlp, moe, readExperts, readGatedDelta, readRope, readShape } from "../nn/index.ts";
import type { Block, GatedDeltaConfig, Rope, RopeSettings, Routing, Shape, ShapeDefaults } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape, GatedDeltaConfig {
  readonly attends: readonly boolean[]; // per layer
  readonly isSparse: readonly boolean[]; // per layer
  readonly attentionBias: boolean;
  readonly experts: Experts | undefined;
  readonly rope: RopeSettings;
}

interface Experts {
  readonly inner: number;
  readonly sharedInner: number;
  readonly routing: Routing;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  return readFields(new Fields(json), { headDim: 256, contextLength: 32768 });
}

/** Qwen3.5's too, which may have no experts. */
export function readFields(c: Fields, defaults: ShapeDefaults): Config {
  c.expect("hidden_act", "silu");
  if (!c.flag("attn_output_gate", true)) throw c.error("attn_output_gate", "is false, which is not supported");
  const hasExperts = c.has("num_experts") && c.whole("num_experts") > 0;
  const shape = readShape(c, { eps: 1e-6, ...(hasExperts ? { inner: c.count("moe_intermediate_size") } : {}), ...defaults });
  return {
    ...shape,
    ...readGatedDelta(c),
    attends: readAttends(c, shape.layers),
    isSparse: readSparse(c, shape.layers, hasExperts),
    attentionBias: c.flag("attention_bias", false),
    experts: hasExperts ? readMoe(c) : undefined,
    rope: readRope(c, shape.headDim, { base: 10000, partial: 0.25 }),
  };
}

function readAttends(c: Fields, layers: number): boolean[] {
  const interval = c.count("full_attention_interval", 4);
  const types = c.list("layer_types") ?? Array.from({ length: layers }, (_, i) => ((i + 1) % interval === 0 ? "full_attention" : "linear_attention"));
  if (types.length !== layers) throw c.error("layer_types", `has ${types.length} entries for ${layers} layers`);
  return types.map(type => {
    if (type !== "full_attention" && type !== "linear_attention")
      throw c.error("layer_types", `has ${JSON.stringify(type)}, supported: full_attention, linear_attention`);
    return type === "full_attention";
  });
}

function readSparse(c: Fields, layers: number, hasExperts: boolean): boolean[] {
  const [step, dense] = [c.count("decoder_sparse_step", 1), c.wholes("mlp_only_layers")];
  return Array.from({ length: layers }, (_, layer) => hasExperts && (layer + 1) % step === 0 && !dense.includes(layer));
}

function readMoe(c: Fields): Experts {
  const routing: Routing = {
    ...readExperts(c, "num_experts", "num_experts_per_tok"),
    score: "softmax",
    isNormed: c.flag("norm_topk_prob", true),
  };
  return { inner: c.count("moe_intermediate_size"), sharedInner: c.count("shared_expert_intermediate_size"), routing };
}

/** `at` is the prefix of all but the output projection. */
export function build(weights: Weights, c: Config, at = "model"): Model {
  weights.at("mtp").skipAll(); // predicts further tokens
  const rope = makeRope(weights, c.rope);
  const layout = gatedDeltaLayout(c);
  const first = c.attends.indexOf(false);
  const isTorch = isTorchConv(weights.at(`${at}.layers.${first}.linear_attn`), "conv1d");
  if (isTorch) raiseGains(weights.at(at), ["norm"]);
  return decoder(weights, c, (w, layer) => block(w, c, rope, layer, isTorch), {
    at,
    recurrent: layer => (c.attends[layer]! ? undefined : layout),
  });
}

/** Torch's layout has gains around 0. */
function raiseGains(w: Weights, names: readonly string[]): void {
  for (const name of names) w.derive(`${name}.weight`, gain => ({ [`${name}.weight`]: add(astype(gain, "float32"), scalar(1)) }));
}

function block(w: Weights, c: Config, rope: Rope, layer: number, isTorch: boolean): Block {
  if (isTorch) raiseGains(w, ["input_layernorm", "post_attention_layernorm", "self_attn.q_norm", "self_attn.k_norm"]);
  const mix = c.attends[layer]! ? gatedAttention(w.at("self_attn"), c, rope) : gatedDelta(w.at("linear_attn"), c);
  const feed = c.isSparse[layer]! ? mixture(w.at("mlp"), c, c.experts!) : mlp(w.at("mlp"), c.hidden, c.inner, { bias: false });
  const normMix = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normFeed = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, mix(normMix(x), batch, kv));
    return add(h, feed(normFeed(h)));
  };
}

function gatedAttention(w: Weights, c: Config, rope: Rope): Block {
  return attention(w, c, rope, { norm: headNorm(w, c, c.eps), gated: true });
}

/** Qwen3.5's release joins gate and up of all experts. */
function mixture(w: Weights, { hidden }: Config, { inner, sharedInner, routing }: Experts): Linear {
  w.derive("experts.gate_up_proj", both => {
    const [gate, up] = split(both, 2, 1) as [Tensor, Tensor];
    return { "switch_mlp.gate_proj.weight": gate, "switch_mlp.up_proj.weight": up };
  });
  w.derive("experts.down_proj", down => ({ "switch_mlp.down_proj.weight": down }));
  const router = makeRouter(w.linear("gate", hidden, routing.experts, false), routing);
  return moe(router, expertMlp(w, { hidden, inner, experts: routing.experts }), gatedShared(w, hidden, sharedInner));
}
