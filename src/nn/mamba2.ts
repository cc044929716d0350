// The mixer of Mamba-2 (Dao and Gu 2024): a short convolution, a selective state per head, and a norm of the gated outputs.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { RecurrentLayout } from "../models/model.ts";
import type { Fields } from "../weights/fields.ts";
import { rmsNormBy } from "../weights/norm.ts";
import type { Weights } from "../weights/weights.ts";
import type { Block } from "./decoder.ts";
import { scan } from "./scan.ts";
import { shortConv, windowLayout } from "./short-conv.ts";

export interface Mamba2Config {
  readonly hidden: number;
  readonly mambaHeads: number; // H
  readonly mambaHeadDim: number; // V
  readonly groups: number; // of heads that share keys and queries
  readonly stateSize: number; // K
  readonly convWidth: number;
  readonly convBias: boolean;
  readonly timeSteps: readonly [least: number, most: number];
  readonly eps: number;
  readonly normGroups: number; // outputs are normed in so many parts
}

/** Reads time_step_limit; without it time steps are as they come. */
export function readTimeSteps(c: Fields): readonly [number, number] {
  const limit = c.list("time_step_limit") ?? [0, Infinity];
  const [least, most] = limit.map(value => (isWrittenInfinity(value) ? Infinity : value));
  if (limit.length !== 2 || typeof least !== "number" || typeof most !== "number" || !(0 <= least && least <= most))
    throw c.error("time_step_limit", `is ${JSON.stringify(limit).slice(0, 60)}, not two numbers in order`);
  return [least, most];
}

/** As transformers writes it into JSON. */
function isWrittenInfinity(value: unknown): boolean {
  return typeof value === "object" && value !== null && "__float__" in value && value.__float__ === "Infinity";
}

export function mamba2Layout(c: Mamba2Config): RecurrentLayout {
  const window = windowLayout(convChannels(c), c.convWidth);
  return { states: [window, { shape: [c.mambaHeads, c.mambaHeadDim, c.stateSize], dtype: "float32" }] };
}

function convChannels({ mambaHeads, mambaHeadDim, groups, stateSize }: Mamba2Config): number {
  return mambaHeads * mambaHeadDim + 2 * groups * stateSize;
}

export function mamba2(w: Weights, c: Mamba2Config): Block {
  const { mambaHeads: heads, mambaHeadDim: width, groups, stateSize } = c;
  const [inner, channels] = [heads * width, convChannels(c)];
  const project = w.linear("in_proj", c.hidden, inner + channels + heads);
  const conv = shortConv(w, "conv1d", channels, c.convWidth, c.convBias);
  const timeSteps = makeTimeSteps(w, c);
  const rate = w.made("A_log", [heads], log => mx.negative(mx.exp(mx.astype(log, "float32"))));
  const skip = w.made("D", [heads], d => mx.reshape(mx.astype(d, "float32"), [heads, 1]));
  const norm = gatedNorm(w, c, inner);
  const output = w.linear("out_proj", inner, c.hidden);
  return (x, { rows, length }, kv) => {
    const [gate, mixed, steps] = mx.split(project(x), [inner, inner + channels], -1) as [Tensor, Tensor, Tensor];
    const y = kv.carry(x, ([window, state]) => {
      const [convolved, next] = conv(mixed, window!);
      const parts = mx.split(mx.astype(mx.silu(convolved), "float32"), [inner, inner + groups * stateSize], -1) as [Tensor, Tensor, Tensor];
      const inputs = mx.reshape(parts[0], [rows, length, heads, width]);
      const [keys, queries] = parts.slice(1).map(t => mx.repeat(mx.reshape(t, [rows, length, groups, stateSize]), heads / groups, 2));
      const dt = timeSteps(steps); // [B, L, H]
      const values = mx.multiply(inputs, mx.expandDims(dt, -1));
      const scanned = scan({ queries: queries!, keys: keys!, values, logDecay: mx.multiply(dt, rate) }, state!);
      return { output: mx.add(scanned.output, mx.multiply(inputs, skip)), states: [next, scanned.state] };
    });
    return output(norm(mx.astype(mx.reshape(y, [rows, length, inner]), mx.dtype(x)), gate));
  };
}

function makeTimeSteps(w: Weights, { mambaHeads, timeSteps: [least, most] }: Mamba2Config): (x: Tensor) => Tensor {
  const bias = w.made("dt_bias", [mambaHeads], b => mx.astype(b, "float32"));
  return x => {
    const dt = mx.softplus(mx.add(mx.astype(x, "float32"), bias));
    const above = least === 0 ? dt : mx.maximum(dt, mx.scalar(least));
    return most === Infinity ? above : mx.minimum(above, mx.scalar(most));
  };
}

/** A root mean square norm of silu(gate) · y in parts. */
function gatedNorm(w: Weights, { eps, normGroups }: Mamba2Config, inner: number): (y: Tensor, gate: Tensor) => Tensor {
  const parts = [normGroups, inner / normGroups];
  const gain = w.made("norm.weight", [inner], g => mx.reshape(g, parts));
  return (y, gate) => {
    const gated = mx.swiglu(gate, y);
    const sizes = mx.shape(gated);
    return mx.reshape(rmsNormBy(mx.reshape(gated, [...sizes.slice(0, -1), ...parts]), gain, eps), sizes);
  };
}
