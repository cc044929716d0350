// Gemma 4, text: layers with a sliding window and small heads before each one that sees everything through large heads. Small models
// share keys and values among their last layers and give every layer an input of its own; large ones take keys for values, and one has
// experts beside the MLP.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import {
  expertMlp,
  expertNames,
  head,
  makeRope,
  makeRouter,
  mlp,
  moe,
  perLayerGate,
  perLayerInputs,
  readExperts,
  readKvOwners,
} from "../nn/index.ts";
import { readPerLayer, readRope, readShape, readWindows, scaled, sharedKvAttention, sharedKvLayout } from "../nn/index.ts";
import type { PerLayer, Rope, RopeSettings, Routing, Shape, Windows } from "../nn/index.ts";
import { Fields, MOST_HEAD_DIM } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly windows: Windows;
  readonly owners: readonly number[]; // the layer whose keys and values each layer looks at
  readonly whole: Heads & { readonly keysAreValues: boolean }; // of layers without a window
  readonly sharedInner: number; // of the MLP in layers without keys and values of their own
  readonly rope: RopeSettings;
  readonly localRope: RopeSettings; // of layers with a window
  readonly perLayer: PerLayer | undefined;
  readonly experts: { readonly inner: number; readonly routing: Routing } | undefined;
  readonly logitCap: number | undefined;
}

type Heads = Pick<Shape, "kvHeads" | "headDim">;

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  return readFields(new Fields(json));
}

/** The same of a part of a config.json, in which the defaults of transformers hold. */
export function readFields(c: Fields, defaults: { readonly vocabSize?: number } = {}): Config {
  c.expect("hidden_activation", "gelu_pytorch_tanh");
  c.expect("use_bidirectional_attention", "vision"); // which is of no concern to text
  if (c.has("per_layer_config")) throw c.error("per_layer_config", "is not supported; global_head_dim and num_global_key_value_heads are");
  const shape = readShape(c, { heads: 8, kvHeads: 4, headDim: 256, eps: 1e-6, vocabSize: 262144, contextLength: 131072, tied: true, ...defaults });
  const windows = readWindows(c, shape.layers, layer => (layer + 1) % 6 !== 0, 512);
  const whole = readWhole(c, shape);
  const ropes = c.has("rope_parameters") ? c : c.with({ rope_parameters: ROPES });
  return {
    ...shape,
    attentionBias: c.flag("attention_bias", false),
    windows,
    owners: readKvOwners(c, windows, 0),
    whole,
    sharedInner: shape.inner * (c.flag("use_double_wide_mlp", false) ? 2 : 1),
    rope: readRope(ropes, whole.headDim, { layers: "full_attention" }),
    localRope: readRope(ropes, shape.headDim, { layers: "sliding_attention" }),
    perLayer: readPerLayer(c),
    experts: c.flag("enable_moe_block", false) ? readMoe(c) : undefined,
    logitCap: c.has("final_logit_softcapping") ? c.positive("final_logit_softcapping") : undefined,
  };
}

const ROPES = {
  sliding_attention: { rope_type: "default", rope_theta: 1e4 },
  full_attention: { rope_type: "proportional", partial_rotary_factor: 0.25, rope_theta: 1e6 },
};

function readWhole(c: Fields, { heads, kvHeads }: Shape): Config["whole"] {
  const keysAreValues = c.flag("attention_k_eq_v", false);
  const own = keysAreValues ? c.count("num_global_key_value_heads", kvHeads) : kvHeads;
  if (heads % own !== 0) throw c.error("num_attention_heads", `is ${heads}, not divisible by num_global_key_value_heads ${own}`);
  return { kvHeads: own, headDim: c.count("global_head_dim", 512, MOST_HEAD_DIM), keysAreValues };
}

function readMoe(c: Fields): Config["experts"] {
  return { inner: c.count("moe_intermediate_size"), routing: { ...readExperts(c, "num_experts", "top_k_experts"), score: "softmaxOfChosen" } };
}

/** `at` is the prefix of all but the output projection. */
export function build(weights: Weights, c: Config, at = "model"): Model {
  const w = weights.at(at);
  const embedding = w.embedding("embed_tokens", c.vocabSize, c.hidden);
  const inputs = c.perLayer && perLayerInputs(w, c, c.perLayer);
  const [rope, localRope] = [makeRope(weights, c.rope), makeRope(weights, c.localRope)];
  const blocks = c.windows.map((window, i) => block(w.at(`layers.${i}`), c, i, window === undefined ? rope : localRope));
  const norm = w.rmsNorm("norm", c.hidden, c.eps);
  const project = head(weights, embedding, c.hidden, c.vocabSize, c.tied);
  return {
    vocabSize: c.vocabSize,
    contextLength: c.contextLength,
    layout: c.windows.map((window, layer) => sharedKvLayout(window === undefined ? c.whole : c, c.owners[layer] === layer, window)),
    embed: ids => scaled(embedding.rows(ids), Math.sqrt(c.hidden)),
    forward: (hidden, batch, kv, ids) => {
      const own = inputs?.(hidden, ids);
      return norm(blocks.reduce((x, layer, i) => layer(x, batch, kv[c.owners[i]!]!, own?.[i]), hidden));
    },
    logits: hidden => (c.logitCap === undefined ? project(hidden) : mx.softcap(project(hidden), c.logitCap)),
  };
}

/** `kv` is that of the layer's owner. */
type Block = (x: Tensor, batch: Batch, kv: LayerKv, input: Tensor | undefined) => Tensor;

function block(w: Weights, c: Config, layer: number, rope: Rope): Block {
  const [ownsKv, isWhole] = [c.owners[layer] === layer, c.windows[layer] === undefined];
  const attend = sharedKvAttention(w.at("self_attn"), { ...c, ...(isWhole ? c.whole : {}), ownsKv }, rope);
  const norm = (name: string): Linear => w.rmsNorm(name, c.hidden, c.eps);
  const [before, after] = [norm("input_layernorm"), norm("post_attention_layernorm")];
  const [feed, afterFeed] = [feeding(w, c, ownsKv ? c.inner : c.sharedInner), norm("post_feedforward_layernorm")];
  const gate = c.perLayer && perLayerGate(w, c, c.perLayer);
  const scale = w.numbers("layer_scalar", [1]);
  return (x, batch, kv, input) => {
    const attended = mx.add(x, after(attend(before(x), batch, kv)));
    const fed = mx.add(attended, afterFeed(feed(attended)));
    return mx.multiply(gate === undefined ? fed : mx.add(fed, gate(fed, input!)), scale);
  };
}

/** The MLP, and experts beside it. */
function feeding(w: Weights, c: Config, inner: number): Linear {
  const norm = (name: string): Linear => w.rmsNorm(name, c.hidden, c.eps);
  const [before, feed] = [norm("pre_feedforward_layernorm"), mlp(w.at("mlp"), c.hidden, inner, { activation: "geluTanh", bias: false })];
  if (c.experts === undefined) return x => feed(before(x));
  const [mixed, after, afterMixed] = [mixture(w, c, c.experts), norm("post_feedforward_layernorm_1"), norm("post_feedforward_layernorm_2")];
  return x => mx.add(after(feed(before(x))), afterMixed(mixed(x)));
}

/** Experts are chosen by what has a norm of its own, and each has a weight besides. */
function mixture(w: Weights, { hidden, eps }: Config, { inner, routing }: NonNullable<Config["experts"]>): Linear {
  readJoined(w.at("experts"));
  const router = w.at("router");
  const gain = router.made("scale", [hidden], scale => mx.multiply(scale, mx.scalar(hidden ** -0.5, mx.dtype(scale))));
  const project = router.linear("proj", hidden, routing.experts, false);
  const route = makeRouter(x => project(mx.rmsNorm(x, gain, eps)), routing);
  const perExpert = router.numbers("per_expert_scale", [routing.experts]);
  const before = w.rmsNorm("pre_feedforward_layernorm_2", hidden, eps);
  const experts = expertMlp(w, { hidden, inner, experts: routing.experts }, expertNames("experts.switch_glu"), mx.gegluTanh);
  return moe(
    tokens => {
      const [indices, weights] = route(tokens);
      return [indices, mx.multiply(weights, mx.take(perExpert, indices, 0))];
    },
    (tokens, indices) => experts(before(tokens), indices),
  );
}

/** The release joins gate and up of all experts. */
function readJoined(w: Weights): void {
  w.derive("gate_up_proj", both => {
    const [gate, up] = mx.split(both, 2, 1) as [Tensor, Tensor];
    return { "switch_glu.gate_proj.weight": gate, "switch_glu.up_proj.weight": up };
  });
  w.derive("down_proj", down => ({ "switch_glu.down_proj.weight": down }));
}
