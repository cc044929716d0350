// The gated delta net (Yang, Kautz and Hatamizadeh 2024) as Qwen has it: a short convolution, a state per head that forgets and is
// corrected, and a norm of the outputs, which pass a gate.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { RecurrentLayout } from "../models/model.ts";
import { MOST_HEADS, type Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import type { Block } from "./decoder.ts";
import { scan } from "./scan.ts";
import { shortConv, windowLayout } from "./short-conv.ts";

export interface GatedDeltaConfig {
  readonly hidden: number;
  readonly keyHeads: number;
  readonly valueHeads: number; // H: a multiple of keyHeads, that share keys and queries
  readonly keyWidth: number;
  readonly valueWidth: number;
  readonly convWidth: number;
  readonly eps: number;
}

export function readGatedDelta(c: Fields): Omit<GatedDeltaConfig, "hidden" | "eps"> {
  const keyHeads = c.count("linear_num_key_heads", 16, MOST_HEADS);
  const valueHeads = c.count("linear_num_value_heads", 32, MOST_HEADS);
  if (valueHeads % keyHeads !== 0) throw c.error("linear_num_value_heads", `is ${valueHeads}, not divisible by linear_num_key_heads ${keyHeads}`);
  return {
    keyHeads,
    valueHeads,
    keyWidth: c.count("linear_key_head_dim", 128),
    valueWidth: c.count("linear_value_head_dim", 128),
    convWidth: c.count("linear_conv_kernel_dim", 4),
  };
}

export function gatedDeltaLayout(c: GatedDeltaConfig): RecurrentLayout {
  return { states: [windowLayout(channels(c), c.convWidth), { shape: [c.valueHeads, c.valueWidth, c.keyWidth], dtype: "float32" }] };
}

function channels({ keyHeads, keyWidth, valueHeads, valueWidth }: GatedDeltaConfig): number {
  return 2 * keyHeads * keyWidth + valueHeads * valueWidth;
}

const KEY_EPS = 1e-6;

export function gatedDelta(w: Weights, c: GatedDeltaConfig): Block {
  const { keyHeads, valueHeads, keyWidth, valueWidth } = c;
  const [keys, values] = [keyHeads * keyWidth, valueHeads * valueWidth];
  const project = w.has("in_proj_qkvz.weight") ? interleaved(w, c) : apart(w, c);
  const conv = shortConv(w, "conv1d", channels(c), c.convWidth, false);
  const pace = w.made("A_log", [valueHeads], log => mx.negative(mx.exp(mx.astype(log, "float32"))));
  const bias = w.made("dt_bias", [valueHeads], b => mx.astype(b, "float32"));
  const norm = w.rmsNorm("norm", valueWidth, c.eps);
  const output = w.linear("out_proj", values, c.hidden, false);
  return (x, { rows, length }, kv) => {
    const { mixed, gate, rate, step } = project(x);
    const found = kv.carry(x, ([window, state]) => {
      const [convolved, next] = conv(mixed, window!);
      const [q, k, v] = mx.split(mx.astype(mx.silu(convolved), "float32"), [keys, 2 * keys], -1) as [Tensor, Tensor, Tensor];
      const heads = (t: Tensor): Tensor => mx.repeat(unit(mx.reshape(t, [rows, length, keyHeads, keyWidth])), valueHeads / keyHeads, 2);
      const inputs = {
        queries: mx.multiply(heads(q), mx.scalar(keyWidth ** -0.5)),
        keys: heads(k),
        values: mx.reshape(v, [rows, length, valueHeads, valueWidth]),
        logDecay: mx.multiply(mx.softplus(mx.add(mx.astype(step, "float32"), bias)), pace),
        rate: mx.sigmoid(mx.astype(rate, "float32")),
      };
      const { output: out, state: after } = scan(inputs, state!);
      return { output: out, states: [next, after] };
    });
    const passed = mx.swiglu(mx.reshape(mx.astype(gate, "float32"), [rows, length, valueHeads, valueWidth]), norm(found));
    return output(mx.astype(mx.reshape(passed, [rows, length, values]), mx.dtype(x)));
  };
}

/** Of length one along the last axis. */
function unit(x: Tensor): Tensor {
  return mx.multiply(x, mx.rsqrt(mx.add(mx.sum(mx.square(x), -1, true), mx.scalar(KEY_EPS))));
}

/** `mixed` has queries, keys and values, one behind the other. */
interface Projected {
  readonly mixed: Tensor; // [B, L, channels]
  readonly gate: Tensor; // [B, L, valueHeads valueWidth]
  readonly rate: Tensor; // [B, L, valueHeads]
  readonly step: Tensor; // [B, L, valueHeads]
}

function apart(w: Weights, c: GatedDeltaConfig): (x: Tensor) => Projected {
  const { valueHeads, valueWidth } = c;
  const outputs = { in_proj_qkv: channels(c), in_proj_z: valueHeads * valueWidth, in_proj_b: valueHeads, in_proj_a: valueHeads };
  const project = w.linears(c.hidden, outputs, false);
  return x => {
    const { in_proj_qkv: mixed, in_proj_z: gate, in_proj_b: rate, in_proj_a: step } = project(x);
    return { mixed, gate, rate, step };
  };
}

/** Qwen3-Next's projections go key head by key head: its query, its key, the values and the gates that share it. */
function interleaved(w: Weights, { hidden, keyHeads, valueHeads, keyWidth, valueWidth }: GatedDeltaConfig): (x: Tensor) => Projected {
  const [share, width] = [valueHeads / keyHeads, (valueHeads / keyHeads) * valueWidth];
  const project = w.linears(hidden, { in_proj_qkvz: keyHeads * (2 * keyWidth + 2 * width), in_proj_ba: 2 * valueHeads }, false);
  return x => {
    const { in_proj_qkvz, in_proj_ba } = project(x);
    const [rows, length] = mx.shape(x) as [number, number];
    const byHead = (t: Tensor, cuts: number[]): Tensor[] =>
      mx.split(mx.reshape(t, [rows, length, keyHeads, -1]), cuts, -1).map(part => mx.reshape(part, [rows, length, -1]));
    const [q, k, v, gate] = byHead(in_proj_qkvz, [keyWidth, 2 * keyWidth, 2 * keyWidth + width]) as [Tensor, Tensor, Tensor, Tensor];
    const [rate, step] = byHead(in_proj_ba, [share]) as [Tensor, Tensor];
    return { mixed: mx.concatenate([q, k, v], -1), gate, rate, step };
  };
}
