// Mixtures of experts: a router chooses a few experts for every token, and their outputs are added up by its weights.
//
// Every token's numbers depend on that token alone: it is chosen for, multiplied and summed apart from the others, in whatever order
// the tokens reach the experts.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Fields } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { StackName } from "../weights/stack.ts";
import type { Weights } from "../weights/weights.ts";
import { mlp } from "./mlp.ts";

/** The experts of each token and what they count: [T, hidden] → two of [T, chosen], the weights in float32. */
export type Router = (tokens: Tensor) => readonly [indices: Tensor, weights: Tensor];

export interface Routing {
  readonly experts: number;
  readonly chosen: number;
  readonly score: "softmax" | "sigmoid" | "softmaxOfChosen";
  readonly isNormed?: boolean; // weights of the chosen are divided by their sum
  readonly factor?: number; // weights are multiplied by this
  readonly groups?: Groups;
}

/** Experts are chosen from some groups only: those with the best expert, or the best two together. */
export interface Groups {
  readonly count: number;
  readonly chosen: number;
  readonly by: 1 | 2;
}

/** How many experts there are, and how many each token is given, by the names of these fields. */
export function readExperts(c: Fields, expertsName: string, chosenName: string): Pick<Routing, "experts" | "chosen"> {
  const [experts, chosen] = [c.count(expertsName), c.count(chosenName)];
  if (chosen > experts) throw c.error(chosenName, `is ${chosen}, more than ${expertsName} ${experts}`);
  return { experts, chosen };
}

/** The groups of DeepSeek's and GLM's experts. */
export function readGroups(c: Fields, { experts, chosen }: Pick<Routing, "experts" | "chosen">, by: 1 | 2): Groups {
  const [count, best] = [c.count("n_group", 1), c.count("topk_group", 1)];
  if (experts % count !== 0 || experts / count < by) throw c.error("n_group", `is ${count}, which does not divide ${experts} experts into groups`);
  if (best > count) throw c.error("topk_group", `is ${best}, more than n_group ${count}`);
  if ((experts / count) * best < chosen) throw c.error("topk_group", `is ${best}: these groups have fewer than ${chosen} experts`);
  return { count, chosen: best, by };
}

/** `correction` [experts] is added to the scores for choosing and does not count afterwards. */
export function makeRouter(project: Linear, routing: Routing, correction?: Tensor): Router {
  const { chosen, score, isNormed = false, factor = 1, groups } = routing;
  const scored = { softmax: (x: Tensor) => mx.softmax(x), sigmoid: mx.sigmoid, softmaxOfChosen: (x: Tensor) => x }[score];
  return tokens => {
    const scores = scored(mx.astype(project(tokens), "float32")); // [T, experts]
    const corrected = correction === undefined ? scores : mx.add(scores, correction);
    const ranked = groups === undefined || groups.chosen === groups.count ? corrected : inBestGroups(corrected, groups);
    const indices = mx.sliceAxis(mx.argpartition(mx.negative(ranked), chosen - 1, -1), -1, 0, chosen);
    const best = mx.takeAlongAxis(scores, indices, -1);
    const weights = score === "softmaxOfChosen" ? mx.softmax(best) : isNormed ? mx.divide(best, mx.sum(best, -1, true)) : best;
    return [indices, factor === 1 ? weights : mx.multiply(weights, mx.scalar(factor))];
  };
}

/** Scores with 0 for experts outside the best groups. */
function inBestGroups(scores: Tensor, { count, chosen, by }: Groups): Tensor {
  const [tokens, experts] = mx.shape(scores) as [number, number];
  const grouped = mx.reshape(scores, [tokens, count, experts / count]);
  const best = by === 1 ? mx.max(grouped, -1, true) : mx.sum(mx.topk(grouped, 2, -1), -1, true); // [T, groups, 1]
  const others = mx.sliceAxis(mx.argpartition(best, count - chosen - 1, 1), 1, 0, count - chosen);
  return mx.reshape(mx.putAlongAxis(grouped, others, mx.scalar(0), 1), [tokens, experts]);
}

export interface ExpertSizes {
  readonly experts: number;
  readonly hidden: number;
  readonly inner: number;
  readonly bias?: boolean;
}

/** Where gate, up and down of all experts are stored; several layouts of one family stand side by side in a StackName. */
export interface ExpertNames {
  readonly gate: StackName;
  readonly up: StackName;
  readonly down: StackName;
}

/** As most families store them: `whole` by MLX's converter, `experts.<n>` by transformers. */
export function expertNames(whole = "switch_mlp", names: readonly [string, string, string] = ["gate_proj", "up_proj", "down_proj"]): ExpertNames {
  const [gate, up, down] = names;
  const name = (mlx: string, apart: string): StackName => ({ whole: `${whole}.${mlx}`, apart: i => `experts.${i}.${apart}` });
  return { gate: name("gate_proj", gate), up: name("up_proj", up), down: name("down_proj", down) };
}

/** What each expert makes of the tokens that chose it: tokens [T, hidden], indices [T, chosen] → [T, chosen, hidden]. */
export type ExpertMlp = (tokens: Tensor, indices: Tensor) => Tensor;

export type Gating = (gate: Tensor, up: Tensor) => Tensor;

export function expertMlp(w: Weights, sizes: ExpertSizes, names = expertNames(), gating: Gating = mx.swiglu): ExpertMlp {
  const { experts, hidden, inner, bias = false } = sizes;
  const gateUp = w.experts([names.gate, names.up], experts, hidden, inner, bias);
  const down = w.experts([names.down], experts, inner, hidden, bias);
  const run = (x: Tensor, indices: Tensor, isSorted: boolean): Tensor => {
    const [gate, up] = mx.split(gateUp(x, indices, isSorted), 2, -1) as [Tensor, Tensor];
    return down(gating(gate, up), indices, isSorted);
  };
  return (tokens, indices) => byExpert(tokens, indices, run);
}

/** Experts without a gate: down(act(up(x))). */
export function plainExpertMlp(
  w: Weights,
  { experts, hidden, inner, bias = false }: ExpertSizes,
  up: StackName,
  down: StackName,
  act: Linear,
): ExpertMlp {
  const [toInner, toHidden] = [w.experts([up], experts, hidden, inner, bias), w.experts([down], experts, inner, hidden, bias)];
  return (tokens, indices) => byExpert(tokens, indices, (x, own, isSorted) => toHidden(act(toInner(x, own, isSorted)), own, isSorted));
}

/** From this many rows on they go to the experts in the experts' order, so that each expert is read once. */
const SORTED_ROWS = 64;

function byExpert(tokens: Tensor, indices: Tensor, run: (x: Tensor, indices: Tensor, isSorted: boolean) => Tensor): Tensor {
  const [count, chosen] = mx.shape(indices) as [number, number];
  const hidden = mx.shape(tokens)[1]!;
  if (count * chosen < SORTED_ROWS) return mx.squeeze(run(mx.expandDims(tokens, [1, 2]), indices, false), 2);
  const flat = mx.reshape(indices, [count * chosen]);
  const order = mx.argsort(flat, 0);
  const sortedTokens = mx.take(tokens, mx.floorDivide(order, mx.scalar(chosen, mx.dtype(order))), 0);
  const outputs = run(mx.expandDims(sortedTokens, 1), mx.take(flat, order, 0), true); // [T · chosen, 1, hidden]
  return mx.reshape(mx.take(outputs, mx.argsort(order, 0), 0), [count, chosen, hidden]);
}

/** An expert that sees every token, as much as its gate lets through. */
export function gatedShared(w: Weights, hidden: number, inner: number): Linear {
  const [shared, gate] = [mlp(w.at("shared_expert"), hidden, inner), w.linear("shared_expert_gate", hidden, 1, false)];
  return x => mx.multiply(mx.sigmoid(gate(x)), shared(x));
}

/** The whole layer, [B, L, hidden] → the same; `shared` sees every token. Experts may work in a width of their own. */
export function moe(route: Router, experts: ExpertMlp, shared?: Linear, latent?: { readonly into: Linear; readonly outOf: Linear }): Linear {
  return x => {
    const tokens = mx.reshape(x, [-1, mx.shape(x)[2]!]);
    const [indices, weights] = route(tokens);
    const outputs = experts(latent === undefined ? tokens : latent.into(tokens), indices); // [T, chosen, hidden]
    const sum = mx.astype(mx.sum(mx.multiply(outputs, mx.expandDims(weights, -1)), -2), mx.dtype(x));
    const mixed = mx.reshape(latent === undefined ? sum : latent.outOf(sum), mx.shape(x));
    return shared === undefined ? mixed : mx.add(mixed, shared(x));
  };
}
