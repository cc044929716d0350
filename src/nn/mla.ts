// Multi-head latent attention (DeepSeek-V2): keys and values of all heads are made of one latent per position, and only the latent and
// one turned key are kept.
//
// What makes keys of latents is applied to queries instead, and what makes values of them to what was found, so all heads look at one
// key head: [latent, turned key], with the latent as value. Reading and decoding compute the same.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import { byHead, byPosition, type Attention } from "./attention.ts";
import type { Rope } from "./rope.ts";

export interface MlaConfig {
  readonly hidden: number;
  readonly heads: number;
  readonly queryRank: number | undefined; // of the latent of queries, if there is one
  readonly rank: number; // of the latent of keys and values
  readonly plainDim: number; // of keys, not turned
  readonly turnedDim: number; // of keys, turned
  readonly valueDim: number;
  readonly attentionBias: boolean;
}

const LATENT_EPS = 1e-6;

export function mla(w: Weights, c: MlaConfig, rope: Rope, scale: number): Attention {
  const { heads, rank, plainDim, turnedDim, valueDim } = c;
  const toQueries = queryProjection(w, c);
  const toLatent = w.linear("kv_a_proj_with_mqa", c.hidden, rank + turnedDim, c.attentionBias);
  const norm = w.rmsNorm("kv_a_layernorm", rank, LATENT_EPS);
  const [intoLatent, outOfLatent] = latentHeads(w, c);
  const output = w.linear("o_proj", heads * valueDim, c.hidden, c.attentionBias);
  return (x, batch, kv) => {
    const [plain, turning] = mx.split(byHead(toQueries(x), batch, heads, plainDim + turnedDim), [plainDim], -1) as [Tensor, Tensor];
    const [latent, key] = mx.split(toLatent(x), [rank], -1) as [Tensor, Tensor]; // [B, L, rank], [B, L, turnedDim]
    const values = byHead(norm(latent), batch, 1, rank); // [B, 1, L, rank]
    const keys = mx.concatenate([values, rope(byHead(key, batch, 1, turnedDim), batch)], -1);
    const queries = mx.concatenate([intoLatent(plain), rope(turning, batch)], -1); // [B, heads, L, rank + turnedDim]
    const found = kv.attend(queries, keys, values, batch, { scale }); // [B, heads, L, rank]
    return output(byPosition(outOfLatent(found), batch, heads * valueDim));
  };
}

function queryProjection(w: Weights, { hidden, heads, queryRank, plainDim, turnedDim, attentionBias }: MlaConfig): Linear {
  const outputs = heads * (plainDim + turnedDim);
  if (queryRank === undefined) return w.linear("q_proj", hidden, outputs, false);
  const down = w.linear("q_a_proj", hidden, queryRank, attentionBias);
  const norm = w.rmsNorm("q_a_layernorm", queryRank, LATENT_EPS);
  const up = w.linear("q_b_proj", queryRank, outputs, false);
  return x => up(norm(down(x)));
}

/** Queries into latents and latents into values, head by head: stored as two stacks by MLX's converter, as one projection else. */
function latentHeads(w: Weights, { heads, rank, plainDim, valueDim }: MlaConfig): readonly [Linear, Linear] {
  if (w.has("embed_q.weight")) return [w.heads("embed_q", heads, plainDim, rank), w.heads("unembed_out", heads, rank, valueDim)];
  return w.headPair("kv_b_proj", heads, rank, [plainDim, valueDim]);
}
