// Mamba-2: nothing but selective states.
import { add, type Tensor } from "../mx/index.ts";
import { decoder, mamba2, mamba2Layout, readTimeSteps, type Block, type DecoderConfig, type Mamba2Config } from "../nn/index.ts";
import { Fields, MOST_HEADS, MOST_LAYERS } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export type Config = DecoderConfig & Mamba2Config;

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("hidden_act", "silu");
  const [mambaHeads, groups] = [c.count("num_heads", 128, MOST_HEADS), c.count("n_groups", 8)];
  if (mambaHeads % groups !== 0) throw c.error("num_heads", `is ${mambaHeads}, not divisible by n_groups ${groups}`);
  return {
    hidden: c.count("hidden_size"),
    layers: c.count("num_hidden_layers", undefined, MOST_LAYERS),
    eps: c.positive("layer_norm_epsilon", 1e-5),
    vocabSize: c.count("vocab_size"),
    contextLength: c.count("max_position_embeddings", 2 ** 20), // states have no end
    tied: c.flag("tie_word_embeddings"),
    mambaHeads,
    mambaHeadDim: c.count("head_dim", 64),
    groups,
    stateSize: c.count(c.has("ssm_state_size") ? "ssm_state_size" : "state_size", 128),
    convWidth: c.count("conv_kernel", 4),
    convBias: c.flag("use_conv_bias", true),
    timeSteps: readTimeSteps(c),
    normGroups: 1,
  };
}

export function build(weights: Weights, c: Config): Model {
  const layout = mamba2Layout(c);
  return decoder(weights, c, w => block(w, c), {
    at: "backbone",
    embedding: "embeddings",
    norm: w => w.rmsNorm("norm_f", c.hidden, c.eps),
    recurrent: () => layout,
  });
}

function block(w: Weights, c: Config): Block {
  const mix = mamba2(w.at("mixer"), c);
  const norm = w.rmsNorm("norm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => add(x, mix(norm(x), batch, kv));
}
