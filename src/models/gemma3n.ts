// Gemma 3n, text: several versions of the hidden vectors run through the blocks, each of which works on one and corrects all by what it
// finds (AltUp, Baykal et al. 2023). The last layers share keys and values, every layer has an input of its own.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { altUp, gatherVersions, head, makeRope, mlp, perLayerGate, perLayerInputs, readKvOwners, readLocalRope, readPerLayer } from "../nn/index.ts";
import { readRope, readShape, readVersions, readWindows, scaled, sharedKvAttention, sharedKvLayout, sparseGate } from "../nn/index.ts";
import { spreadVersions, version } from "../nn/index.ts";
import type { PerLayer, Rope, RopeSettings, Shape, Versions, Windows } from "../nn/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends Shape {
  readonly attentionBias: boolean;
  readonly inners: readonly number[]; // of each layer's MLP
  readonly sparsities: readonly number[]; // the share of each MLP's gate that is closed
  readonly windows: Windows;
  readonly owners: readonly number[]; // the layer whose keys and values each layer looks at
  readonly rope: RopeSettings;
  readonly localRope: RopeSettings; // of layers with a window
  readonly perLayer: PerLayer;
  readonly versions: Versions;
  readonly laurelRank: number;
  readonly logitCap: number;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const whole = new Fields(json);
  const c = whole.object("text_config") ?? whole;
  c.expect("hidden_activation", "gelu_pytorch_tanh");
  const widths = c.wholes("intermediate_size");
  const shape = readShape(c.with({ intermediate_size: widths[0] }), {
    kvHeads: 2,
    heads: 8,
    headDim: 256,
    eps: 1e-6,
    contextLength: 32768,
    tied: true,
  });
  const windows = readWindows(c, shape.layers, layer => (layer + 1) % 5 !== 0, 512);
  const perLayer = readPerLayer(c);
  if (perLayer === undefined) throw c.error("hidden_size_per_layer_input", "is 0, which is not supported");
  return {
    ...shape,
    attentionBias: c.flag("attention_bias", false),
    inners: readInners(c, widths, shape.layers),
    sparsities: readSparsities(c, shape.layers),
    windows,
    owners: readKvOwners(c, windows, 15),
    rope: readRope(c, shape.headDim, { base: 1e6, layers: "full_attention" }),
    localRope: readLocalRope(c, shape.headDim),
    perLayer,
    versions: readVersions(c),
    laurelRank: c.count("laurel_rank", 64),
    logitCap: c.positive("final_logit_softcapping", 30),
  };
}

function readInners(c: Fields, widths: readonly number[], layers: number): readonly number[] {
  if (widths.length === 1) return Array.from({ length: layers }, () => widths[0]!);
  if (widths.length !== layers) throw c.error("intermediate_size", `has ${widths.length} entries for ${layers} layers`);
  if (widths.includes(0)) throw c.error("intermediate_size", "has 0, not a positive integer");
  return widths;
}

function readSparsities(c: Fields, layers: number): readonly number[] {
  const shares = c.list("activation_sparsity_pattern") ?? Array.from({ length: layers }, (_, layer) => (layers > 10 && layer < 10 ? 0.95 : 0));
  if (shares.length !== layers) throw c.error("activation_sparsity_pattern", `has ${shares.length} entries for ${layers} layers`);
  return shares.map(share => {
    if (typeof share === "number" && share >= 0 && share <= 0.9999) return share;
    throw c.error("activation_sparsity_pattern", `has ${JSON.stringify(share)}, not a number from 0 to 0.9999`);
  });
}

/** The text stands in model.language_model, and in model where there is nothing else. */
export function build(weights: Weights, c: Config): Model {
  for (const other of ["vision_tower", "audio_tower", "embed_vision", "embed_audio"]) weights.at(`model.${other}`).skipAll();
  const w = weights.at(weights.has("model.language_model.embed_tokens.weight") ? "model.language_model" : "model");
  const embedding = w.embedding("embed_tokens", c.vocabSize, c.hidden);
  const inputs = perLayerInputs(w, c, c.perLayer);
  const [rope, localRope] = [makeRope(weights, c.rope), makeRope(weights, c.localRope)];
  const [spread, gather] = [spreadVersions(w, c.hidden, c.versions), gatherVersions(w, c.hidden, c.versions)];
  const blocks = c.windows.map((window, i) => block(w.at(`layers.${i}`), c, i, window === undefined ? rope : localRope));
  const norm = w.rmsNorm("norm", c.hidden, c.eps);
  const project = head(weights, embedding, c.hidden, c.vocabSize, c.tied);
  return {
    vocabSize: c.vocabSize,
    contextLength: c.contextLength,
    layout: c.windows.map((window, layer) => sharedKvLayout(c, c.owners[layer] === layer, window)),
    embed: ids => scaled(embedding.rows(ids), Math.sqrt(c.hidden)),
    forward: (hidden, batch, kv, ids) => {
      const own = inputs(hidden, ids);
      return norm(gather(blocks.reduce((x, layer, i) => layer(x, batch, kv[c.owners[i]!]!, own[i]!), spread(hidden))));
    },
    logits: hidden => mx.softcap(project(hidden), c.logitCap),
  };
}

/** versions [B, L, versions, hidden] → the same; `kv` is that of the layer's owner. */
type Block = (versions: Tensor, batch: Batch, kv: LayerKv, input: Tensor) => Tensor;

function block(w: Weights, c: Config, layer: number, rope: Rope): Block {
  const { active } = c.versions;
  const { predict, correct, scale, addToOthers } = altUp(w.at("altup"), c.hidden, c.eps, c.versions);
  const attend = sharedKvAttention(w.at("self_attn"), { ...c, ownsKv: c.owners[layer] === layer }, rope);
  const sparsity = c.sparsities[layer]!;
  const sparse = sparsity === 0 ? {} : { change: sparseGate(sparsity) };
  const feed = mlp(w.at("mlp"), c.hidden, c.inners[layer]!, { activation: "geluTanh", bias: false, ...sparse });
  const norm = (name: string): Linear => w.rmsNorm(name, c.hidden, c.eps);
  const [before, after] = [norm("input_layernorm"), norm("post_attention_layernorm")];
  const [beforeFeed, afterFeed] = [norm("pre_feedforward_layernorm"), norm("post_feedforward_layernorm")];
  const [laurel, gate] = [augmented(w.at("laurel"), c), perLayerGate(w, c, c.perLayer)];
  return (versions, batch, kv, input) => {
    const predicted = predict(versions);
    const x = version(predicted, active);
    const normed = before(x);
    const attended = mx.add(x, after(attend(normed, batch, kv)));
    const both = scaled(mx.add(attended, laurel(normed)), Math.SQRT1_2);
    const corrected = correct(predicted, mx.add(both, afterFeed(feed(beforeFeed(both)))));
    return addToOthers(corrected, gate(scale(version(corrected, active)), input));
  };
}

/** A second way around attention, through a few dimensions. */
function augmented(w: Weights, { hidden, laurelRank, eps }: Config): Linear {
  const [left, right] = [w.linear("linear_left", hidden, laurelRank, false), w.linear("linear_right", laurelRank, hidden, false)];
  const norm = w.rmsNorm("post_laurel_norm", hidden, eps);
  return x => mx.add(x, norm(right(left(x))));
}
