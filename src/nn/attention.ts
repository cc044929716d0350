// Grouped-query attention: projections, optional norms over each head, rotary positions, and the kv that looks back.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Batch, LayerKv } from "../models/model.ts";
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

export interface AttentionExtras {
  readonly headNorm?: number; // eps of q_norm and k_norm
}

export type Attention = (x: Tensor, batch: Batch, kv: LayerKv) => Tensor;

/**
 * All heads of the joined projection are normed and turned together, those of the values in vain: the result is sliced
 * afterwards, because slices are views and a norm of a view would be a copy and a norm.
 */
export function attention(w: Weights, c: AttentionConfig, rope: Rope, extras: AttentionExtras = {}): Attention {
  const { heads, kvHeads, headDim } = c;
  const sizes = { q_proj: heads * headDim, k_proj: kvHeads * headDim, v_proj: kvHeads * headDim };
  const project = w.joined(c.hidden, sizes, c.attentionBias);
  const output = w.linear("o_proj", heads * headDim, c.hidden, c.attentionBias);
  const norm = extras.headNorm === undefined ? (x: Tensor) => x : headNorm(w, c, extras.headNorm);
  const scale = headDim ** -0.5;
  const [both, all] = [heads + kvHeads, heads + 2 * kvHeads];
  return (x, batch, kv) => {
    const projected = mx.reshape(project(x), [batch.rows, batch.length, all, headDim]);
    const turned = rope(byHead(norm(projected), batch, all, headDim), batch); // [B, all, L, headDim]
    const [queries, keys] = [mx.sliceAxis(turned, 1, 0, heads), mx.sliceAxis(turned, 1, heads, both)];
    const values = mx.sliceAxis(byHead(projected, batch, all, headDim), 1, both, all);
    return output(byPosition(kv.attend(queries, keys, values, batch, { scale }), batch, heads * headDim));
  };
}

/** q_norm over query heads, k_norm over key heads and nothing of interest over value heads, [B, L, heads + 2 kvHeads, headDim]. */
function headNorm(w: Weights, { heads, kvHeads, headDim }: AttentionConfig, eps: number): (x: Tensor) => Tensor {
  const [queries, keys] = [w.vector("q_norm.weight", headDim), w.vector("k_norm.weight", headDim)];
  const spread = (gain: Tensor, count: number): Tensor => mx.broadcastTo(gain, [count, headDim]);
  const gain = w.constant(() => mx.concatenate([spread(queries, heads), spread(keys, 2 * kvHeads)], 0));
  return x => rmsNormBy(x, gain, eps);
}

/** [B, L, heads, headDim] → [B, heads, L, headDim]; with one position per row that is a reshape. */
export function byHead(x: Tensor, { rows, length }: Batch, heads: number, headDim: number): Tensor {
  return length === 1 ? mx.reshape(x, [rows, heads, 1, headDim]) : mx.transpose(x, [0, 2, 1, 3]);
}

/** [B, heads, L, headDim] → [B, L, width]. */
export function byPosition(x: Tensor, { rows, length }: Batch, width: number): Tensor {
  return mx.reshape(length === 1 ? x : mx.transpose(x, [0, 2, 1, 3]), [rows, length, width]);
}
