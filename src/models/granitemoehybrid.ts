// Granite 4: Granite's multipliers around layers of Mamba-2 and attention, each with a dense MLP, or with experts beside a shared MLP.
import { add, split, type Tensor } from "../mx/index.ts";
import { attention, decoder, makeRope, mamba2, mamba2Layout, mlp, readExperts, readTimeSteps, scaled } from "../nn/index.ts";
import type { Block, Mamba2Config, Rope, Routing } from "../nn/index.ts";
import type { Linear } from "../weights/matrix.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import * as granite from "./granite.ts";
import type { Batch, LayerKv, Model } from "./model.ts";

export interface Config extends granite.Config, Mamba2Config {
  readonly attends: readonly boolean[]; // per layer
  readonly turns: boolean; // heads, by position
  readonly sharedInner: number;
  readonly routing: Routing | undefined;
}

export function readConfig(json: Readonly<Record<string, unknown>>): Config {
  const c = new Fields(json);
  const base = granite.readConfig(json);
  const hasExperts = c.whole("num_local_experts", 8) > 0;
  const attends = readAttends(c, base.layers);
  return {
    ...base,
    ...readMamba(c, base.hidden),
    attends,
    turns: c.text("position_embedding_type") === "rope",
    sharedInner: c.count("shared_intermediate_size", hasExperts ? 1024 : base.inner),
    routing: hasExperts ? { ...readExperts(c, "num_local_experts", "num_experts_per_tok"), score: "softmaxOfChosen" } : undefined,
  };
}

function readMamba(c: Fields, hidden: number): Omit<Mamba2Config, "hidden" | "eps"> {
  const [mambaHeads, groups] = [c.count("mamba_n_heads", 128), c.count("mamba_n_groups", 1)];
  if (mambaHeads % groups !== 0) throw c.error("mamba_n_heads", `is ${mambaHeads}, not divisible by mamba_n_groups ${groups}`);
  return {
    mambaHeads,
    mambaHeadDim: c.count("mamba_d_head", (c.count("mamba_expand", 2) * hidden) / mambaHeads),
    groups,
    stateSize: c.count("mamba_d_state", 256),
    convWidth: c.count("mamba_d_conv", 4),
    convBias: c.flag("mamba_conv_bias", true),
    timeSteps: readTimeSteps(c),
    normGroups: 1,
  };
}

const kinds: Readonly<Record<string, boolean>> = { attention: true, full_attention: true, mamba: false, linear_attention: false };

function readAttends(c: Fields, layers: number): boolean[] {
  const types = c.list("layer_types") ?? Array.from({ length: layers }, () => "mamba");
  if (types.length !== layers) throw c.error("layer_types", `has ${types.length} entries for ${layers} layers`);
  return types.map(type => {
    if (typeof type !== "string" || !Object.hasOwn(kinds, type))
      throw c.error("layer_types", `has ${JSON.stringify(type)}, supported: ${Object.keys(kinds).join(", ")}`);
    return kinds[type]!;
  });
}

export function build(weights: Weights, c: Config): Model {
  const rope = c.turns ? makeRope(weights, c.rope) : undefined;
  const layout = mamba2Layout(c);
  const recurrent = (layer: number) => (c.attends[layer]! ? undefined : layout);
  return decoder(weights, c, (w, layer) => block(w, c, rope, c.attends[layer]!), { ...granite.extras(c), recurrent });
}

function block(w: Weights, c: Config, rope: Rope | undefined, attends: boolean): Block {
  const mix = attends ? attention(w.at("self_attn"), c, rope, { scale: c.attentionMultiplier }) : mamba2(w.at("mamba"), c);
  const feed = feedForward(w, c);
  const normMix = w.rmsNorm("input_layernorm", c.hidden, c.eps);
  const normFeed = w.rmsNorm("post_attention_layernorm", c.hidden, c.eps);
  return (x: Tensor, batch: Batch, kv: LayerKv) => {
    const h = add(x, scaled(mix(normMix(x), batch, kv), c.residualMultiplier));
    return add(h, scaled(feed(normFeed(h)), c.residualMultiplier));
  };
}

/** The shared MLP has gate and up in one projection; without experts MLX's converter takes them apart and calls it mlp. */
function feedForward(w: Weights, c: Config): Linear {
  if (c.routing === undefined) {
    w.derive("shared_mlp.input_linear.weight", both => {
      const [gate, up] = split(both, 2, 0) as [Tensor, Tensor];
      return { "mlp.gate_proj.weight": gate, "mlp.up_proj.weight": up };
    });
    w.derive("shared_mlp.output_linear.weight", down => ({ "mlp.down_proj.weight": down }));
    return mlp(w.at("mlp"), c.hidden, c.inner, { bias: c.mlpBias });
  }
  const shared = mlp(w.at("shared_mlp"), c.hidden, c.sharedInner, { bias: false, fused: "input_linear", names: ["", "", "output_linear"] });
  const experts = granite.mixture(w.at("block_sparse_moe"), c, c.routing);
  return x => add(experts(x), shared(x));
}
