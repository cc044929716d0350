// Grouped-query attention: projections, optional norms over each head, rotary positions, and the kv that looks back.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Batch, LayerKv } from "../models/model.ts";
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

export function attention(w: Weights, c: AttentionConfig, rope: Rope, extras: AttentionExtras = {}): Attention {
  const { heads, kvHeads, headDim } = c;
  const sizes = { q_proj: heads * headDim, k_proj: kvHeads * headDim, v_proj: kvHeads * headDim };
  const project = w.linears(c.hidden, sizes, c.attentionBias);
  const output = w.linear("o_proj", heads * headDim, c.hidden, c.attentionBias);
  const { headNorm } = extras;
  const normQueries = headNorm === undefined ? undefined : w.rmsNorm("q_norm", headDim, headNorm);
  const normKeys = headNorm === undefined ? undefined : w.rmsNorm("k_norm", headDim, headNorm);
  const scale = headDim ** -0.5;
  return (x, batch, kv) => {
    const { q_proj, k_proj, v_proj } = project(x);
    const queries = rope(byHead(q_proj, batch, heads, headDim, normQueries), batch.offsets); // [B, heads, L, headDim]
    const keys = rope(byHead(k_proj, batch, kvHeads, headDim, normKeys), batch.offsets);
    const values = byHead(v_proj, batch, kvHeads, headDim);
    return output(byPosition(kv.attend(queries, keys, values, batch, scale), batch, heads * headDim));
  };
}

/** [B, L, heads * headDim] → [B, heads, L, headDim]; with one position per row that is a reshape. */
export function byHead(x: Tensor, { rows, length }: Batch, heads: number, headDim: number, norm?: (x: Tensor) => Tensor): Tensor {
  if (length === 1) return normed(mx.reshape(x, [rows, heads, 1, headDim]), norm);
  return mx.transpose(normed(mx.reshape(x, [rows, length, heads, headDim]), norm), [0, 2, 1, 3]);
}

/** [B, heads, L, headDim] → [B, L, width]. */
export function byPosition(x: Tensor, { rows, length }: Batch, width: number): Tensor {
  return mx.reshape(length === 1 ? x : mx.transpose(x, [0, 2, 1, 3]), [rows, length, width]);
}

function normed(x: Tensor, norm: ((x: Tensor) => Tensor) | undefined): Tensor {
  return norm === undefined ? x : norm(x);
}
