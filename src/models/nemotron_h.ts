// Nemotron-H: every layer is one of Mamba-2, attention without positions, an MLP, or experts.
import { add, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRouter, mamba2, mamba2Layout, moe, plainExpertMlp, plainMlp, relu2 } from "../nn/index.ts";
import { readExperts, readGroups, readTimeSteps, type Block, type DecoderConfig, type Mamba2Config, type Routing } from "../nn/index.ts";
import type { AttentionConfig } from "../nn/index.ts";
import { Fields, MOST_HEAD_DIM, MOST_HEADS, MOST_LAYERS } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import type { Batch, LayerKv, Model, RecurrentLayout } from "./model.ts";

type Kind = "mamba" | "attention" | "mlp" | "moe";

export type Config = DecoderConfig &
  Mamba2Config &
  AttentionConfig & {
    readonly kinds: readonly Kind[]; // per layer
    readonly inner: number;
    readonly mlpBias: boolean;
    readonly experts: Experts | undefined;
  };

interface Experts {
  readonly inner: number;
  readonly sharedInner: number; // 0 without shared experts
  readonly latent: number | undefined; // width that experts work in, when it is not that of the model
  readonly routing: Routing;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  c.expect("mlp_hidden_act", "relu2");
  c.expect("mamba_hidden_act", "silu");
  const kinds = readKinds(c);
  const [hidden, heads] = [c.count("hidden_size"), c.count("num_attention_heads", undefined, MOST_HEADS)];
  const kvHeads = c.count("num_key_value_heads", heads);
  if (heads % kvHeads !== 0) throw c.error("num_attention_heads", `is ${heads}, not divisible by num_key_value_heads ${kvHeads}`);
  const [mambaHeads, groups] = [c.count("mamba_num_heads", undefined, MOST_HEADS), c.count("n_groups")];
  if (mambaHeads % groups !== 0) throw c.error("mamba_num_heads", `is ${mambaHeads}, not divisible by n_groups ${groups}`);
  return {
    kinds,
    layers: kinds.length,
    hidden,
    heads,
    kvHeads,
    headDim: c.count("head_dim", hidden / heads, MOST_HEAD_DIM),
    inner: c.count("intermediate_size"),
    eps: c.positive("layer_norm_epsilon", 1e-5),
    vocabSize: c.count("vocab_size"),
    contextLength: c.count("max_position_embeddings"),
    tied: c.flag("tie_word_embeddings", false),
    attentionBias: c.flag("attention_bias", false),
    mlpBias: c.flag("mlp_bias", false),
    mambaHeads,
    mambaHeadDim: c.count("mamba_head_dim"),
    groups,
    stateSize: c.count("ssm_state_size"),
    convWidth: c.count("conv_kernel", 4),
    convBias: c.flag("use_conv_bias", true),
    timeSteps: readTimeSteps(c),
    normGroups: groups,
    experts: kinds.includes("moe") ? readMoe(c) : undefined,
  };
}

const names: Readonly<Record<string, Kind>> = {
  M: "mamba",
  mamba: "mamba",
  linear_attention: "mamba",
  "*": "attention",
  attention: "attention",
  full_attention: "attention",
  "-": "mlp",
  mlp: "mlp",
  E: "moe",
  moe: "moe",
};

/** From a pattern of letters, or a list of names. */
function readKinds(c: Fields): Kind[] {
  const field = ["layers_block_type", "layer_types"].find(name => c.has(name));
  const pattern = "hybrid_override_pattern";
  const said = field === undefined ? [...(c.text(pattern) ?? "")] : c.list(field)!;
  if (said.length === 0 || said.length > MOST_LAYERS) throw c.error(field ?? pattern, `names ${said.length} layers`);
  return said.map(name => {
    if (typeof name !== "string" || !Object.hasOwn(names, name))
      throw c.error(field ?? pattern, `has ${JSON.stringify(name)}, supported: ${Object.keys(names).join(", ")}`);
    return names[name]!;
  });
}

function readMoe(c: Fields): Experts {
  const experts = readExperts(c, "n_routed_experts", "num_experts_per_tok");
  return {
    inner: c.count("moe_intermediate_size"),
    sharedInner: c.whole("n_shared_experts", 0) === 0 ? 0 : c.count("moe_shared_expert_intermediate_size"),
    latent: c.has("moe_latent_size") ? c.count("moe_latent_size") : undefined,
    routing: {
      ...experts,
      score: "sigmoid",
      isNormed: c.flag("norm_topk_prob", true),
      factor: c.positive("routed_scaling_factor", 1),
      groups: readGroups(c, experts, 2),
    },
  };
}

export function build(weights: Weights, c: Config): Model {
  weights.at("mtp").skipAll(); // predicts further tokens
  const layouts: Readonly<Record<Kind, RecurrentLayout | undefined>> = {
    mamba: mamba2Layout(c),
    attention: undefined,
    mlp: { states: [] },
    moe: { states: [] },
  };
  return decoder(weights, c, (w, layer) => block(w, c, c.kinds[layer]!), {
    at: "backbone",
    embedding: "embeddings",
    norm: w => w.rmsNorm("norm_f", c.hidden, c.eps),
    recurrent: layer => layouts[c.kinds[layer]!],
  });
}

function block(w: Weights, c: Config, kind: Kind): Block {
  const run = mixers[kind](w.at("mixer"), c);
  const norm = w.rmsNorm("norm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => add(x, run(norm(x), batch, kv));
}

const mixers: Readonly<Record<Kind, (w: Weights, c: Config) => Block>> = {
  mamba: mamba2,
  attention: (w, c) => attention(w, c, undefined),
  mlp: (w, c) => feed(w, c, c.inner),
  moe: (w, c) => mixture(w, c, c.experts!),
};

function feed(w: Weights, { hidden, mlpBias }: Config, inner: number): Linear {
  return plainMlp(w, hidden, inner, ["up_proj", "down_proj"], "relu2", mlpBias);
}

function mixture(w: Weights, c: Config, { inner, sharedInner, latent, routing }: Experts): Linear {
  const correction = w.numbers("gate.e_score_correction_bias", [routing.experts]);
  const route = makeRouter(w.linear("gate", c.hidden, routing.experts, false), routing, correction);
  const [up, down] = [
    { whole: "switch_mlp.fc1", apart: (i: number) => `experts.${i}.up_proj` },
    { whole: "switch_mlp.fc2", apart: (i: number) => `experts.${i}.down_proj` },
  ];
  const run = plainExpertMlp(w, { experts: routing.experts, hidden: latent ?? c.hidden, inner }, up, down, relu2);
  const shared = sharedInner === 0 ? undefined : feed(w.at("shared_experts"), c, sharedInner);
  if (latent === undefined) return moe(route, run, shared);
  const [into, outOf] = [w.linear("fc1_latent_proj", c.hidden, latent, c.mlpBias), w.linear("fc2_latent_proj", latent, c.hidden, c.mlpBias)];
  return moe(route, run, shared, { into, outOf });
}
