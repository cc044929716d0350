// Grouped-query attention: projections, norms over heads, rotary positions, and the kv that looks back.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Batch, JoinedHeads, LayerKv } from "../models/model.ts";
import type { Linear } from "../weights/matrix.ts";
import { rmsNormBy } from "../weights/norm.ts";
import type { Weights } from "../weights/weights.ts";
import type { Rope } from "./rope.ts";

export interface AttentionConfig {
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly attentionBias?: boolean | undefined; // undefined: as the checkpoint has it
}

/** What families do differently. Norms see query and key heads together, [B, heads + kvHeads, L, headDim]. */
export interface AttentionExtras {
  readonly scale?: number; // of products; 1 / √headDim without it
  readonly softcap?: number; // of products
  readonly sinks?: Tensor; // [heads]
  readonly norm?: Linear | HeadNorm; // of heads, before they are turned
  readonly turnedNorm?: Linear; // of heads, after they are turned
  readonly wideNorm?: Linear; // of the joined projection, [B, L, (heads + 2 kvHeads) headDim]
  readonly outputBias?: boolean; // where it differs from attentionBias
  readonly output?: string; // name of the output projection, o_proj without it
  readonly fused?: string; // name of one projection for queries, keys and values
  readonly arrange?: Linear; // puts the heads of a fused projection in the order queries, keys, values
  readonly change?: (queries: Tensor, batch: Batch) => Tensor; // of turned queries
  readonly gated?: boolean; // behind each query head its projection has a gate for what the head finds
}

/** A norm of heads that a kernel can do along with other things. */
export interface HeadNorm extends Linear {
  readonly gains: Tensor; // [heads + kvHeads, 1, headDim]
  readonly eps: number;
}

export type Attention = (x: Tensor, batch: Batch, kv: LayerKv) => Tensor;

const same: Linear = x => x;

/** Query and key heads are normed and turned together: they lie side by side in the joined projection. Without `rope` nothing turns. */
export function attention(w: Weights, c: AttentionConfig, rope: Rope | undefined, extras: AttentionExtras = {}): Attention {
  const { heads, kvHeads, headDim } = c;
  const { norm = same, turnedNorm = same, wideNorm = same, change = same, gated = false } = extras;
  const arrange = gated ? gatesLast(w, c) : (extras.arrange ?? same);
  const project = projection(w, c, extras.fused, gated);
  const output = w.linear(extras.output ?? "o_proj", heads * headDim, c.hidden, extras.outputBias ?? c.attentionBias);
  const { softcap, sinks, scale = headDim ** -0.5 } = extras;
  const options = { scale, ...(softcap === undefined ? {} : { softcap }), ...(sinks === undefined ? {} : { sinks }) };
  const turn: Rope = rope ?? same;
  const both = heads + kvHeads;
  const all = both + kvHeads + (gated ? heads : 0);
  const joined = joinedHeads(heads, scale, rope, extras);
  return (x, batch, kv) => {
    const side = wideNorm(project(x)); // [B, L, heads by position]
    const whole = joined && batch.positions === undefined ? kv.attendJoined?.(side, batch, joined) : undefined;
    if (whole !== undefined) return output(whole);
    const projected = arrange(byHead(side, batch, all, headDim)); // [B, heads + 2 kvHeads, L, headDim], then gates
    const turned = turnedNorm(turn(norm(mx.sliceAxis(projected, 1, 0, both)), batch));
    const [queries, keys] = [change(mx.sliceAxis(turned, 1, 0, heads), batch), mx.sliceAxis(turned, 1, heads, both)];
    const values = mx.sliceAxis(projected, 1, both, both + kvHeads);
    const found = kv.attend(queries, keys, values, batch, options); // [B, heads, L, headDim]
    const passed = gated ? mx.multiply(found, mx.sigmoid(mx.sliceAxis(projected, 1, all - heads, all))) : found;
    return output(byPosition(passed, batch, heads * headDim));
  };
}

/** What a kernel for all that happens to heads must know; undefined for families that do more to them. */
function joinedHeads(heads: number, scale: number, rope: Rope | undefined, extras: AttentionExtras): JoinedHeads | undefined {
  const { norm, turnedNorm, change, arrange, gated, softcap, sinks } = extras;
  const more = turnedNorm ?? change ?? arrange ?? gated ?? softcap ?? sinks;
  if (rope?.turn === undefined || more !== undefined) return undefined;
  if (norm === undefined) return { ...rope.turn, heads, scale };
  return "gains" in norm ? { ...rope.turn, heads, scale, gains: norm.gains, eps: norm.eps } : undefined;
}

/** Heads that lie query, gate, query, gate, …, keys, values as queries, keys, values, gates. */
function gatesLast(w: Weights, { heads, kvHeads }: AttentionConfig): Linear {
  const places = (count: number, place: (i: number) => number): number[] => Array.from({ length: count }, (_, i) => place(i));
  const order = [...places(heads, i => 2 * i), ...places(2 * kvHeads, i => 2 * heads + i), ...places(heads, i => 2 * i + 1)];
  const indices = w.constant(() => mx.fromArray(Int32Array.from(order), [order.length]));
  return x => mx.take(x, indices, 1);
}

function projection(
  w: Weights,
  { hidden, heads, kvHeads, headDim, attentionBias }: AttentionConfig,
  fused: string | undefined,
  gated: boolean,
): Linear {
  if (fused !== undefined) return w.linear(fused, hidden, (heads + 2 * kvHeads) * headDim, attentionBias);
  return w.joined(hidden, { q_proj: heads * headDim * (gated ? 2 : 1), k_proj: kvHeads * headDim, v_proj: kvHeads * headDim }, attentionBias);
}

/** An RMS norm with one gain for query heads and one for key heads. `offset` is added to stored gains. */
export function headNorm(w: Weights, c: AttentionConfig, eps: number, names: readonly [string, string] = ["q_norm", "k_norm"], offset = 0): HeadNorm {
  const spread = (name: string, count: number): Tensor => mx.broadcastTo(w.gain(name, c.headDim, offset), [count, 1, c.headDim]);
  const gains = w.constant(() => mx.concatenate([spread(names[0], c.heads), spread(names[1], c.kvHeads)], 0));
  return Object.assign((x: Tensor) => rmsNormBy(x, gains, eps), { gains, eps });
}

/** An RMS norm over all query heads, and one over all key heads, of the joined projection. */
export function wideNorm(w: Weights, { heads, kvHeads, headDim }: AttentionConfig, eps: number): Linear {
  const [queries, keys] = [w.rmsNorm("q_norm", heads * headDim, eps), w.rmsNorm("k_norm", kvHeads * headDim, eps)];
  return x => {
    const [q, k, v] = mx.split(x, [heads * headDim, (heads + kvHeads) * headDim], -1) as [Tensor, Tensor, Tensor];
    return mx.concatenate([queries(q), keys(k), v], -1);
  };
}

/** [B, L, heads * headDim] → [B, heads, L, headDim]; with one position per row that is a reshape. */
export function byHead(x: Tensor, { rows, length }: Batch, heads: number, headDim: number): Tensor {
  if (length === 1) return mx.reshape(x, [rows, heads, 1, headDim]);
  return mx.transpose(mx.reshape(x, [rows, length, heads, headDim]), [0, 2, 1, 3]);
}

/** [B, heads, L, headDim] → [B, L, width]. */
export function byPosition(x: Tensor, { rows, length }: Batch, width: number): Tensor {
  return mx.reshape(length === 1 ? x : mx.transpose(x, [0, 2, 1, 3]), [rows, length, width]);
}
