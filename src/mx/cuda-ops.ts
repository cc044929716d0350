// Kernels of ours for MLX's CUDA back end, in shim/cuda, for where `ownKernels` says so; numbers are bfloat16 or float16, one type in each
// call, but for logits.
import { c, checked, handles, type Tensor } from "./ffi.ts";
import type { Quantization } from "./layer-ops.ts";

/** The product of x [..., inputs] with a packed matrix [outputs, inputs], as `quantizedMatmul` has it, for up to some hundred rows: affine, 4 or 8 bits. */
export function packedMatmul(x: Tensor, w: Tensor, scales: Tensor, biases: Tensor, q: Quantization): Tensor {
  return checked(c.mxs_packed_matmul(x, w, scales, biases, q.groupSize, q.bits));
}

/** How the heads of queries and keys become those that are multiplied. */
export interface HeadTurn {
  readonly gains?: Tensor; // [heads + kvHeads, …, D], of an RMS norm of each head; none without it
  readonly eps?: number; // of that norm
  readonly angles: Tensor; // [dims / 2] float32: radians by which a position turns each pair
  readonly dims: number; // 0: nothing turns
  readonly traditional: boolean; // pairs are neighbours
}

/**
 * Norms and turns the heads of a joined projection [B, L, (heads + 2 kvHeads) D], whose rows begin at positions `offsets` [B], and writes keys
 * and values into slabs [slots, kvHeads, capacity, D], in place. Returns the queries, [B, heads, L, D], and both slabs as they are then: from
 * here on they stand for those that were given.
 */
export function placeHeads(
  projected: Tensor,
  turn: HeadTurn,
  offsets: Tensor,
  keys: Tensor,
  values: Tensor,
  heads: number,
): [Tensor, Tensor, Tensor] {
  const { gains, eps, angles, dims, traditional } = turn;
  const count = c.mxs_place_heads(projected, gains ?? 0, angles, offsets, keys, values, heads, dims, traditional ? 1 : 0, eps ?? 0);
  return handles(count) as [Tensor, Tensor, Tensor];
}

/** Whether `attendOne` and `attendMany` take heads of this width. */
export function attendsWidth(width: number): boolean {
  return [64, 80, 96, 128, 256].includes(width);
}

/**
 * Attention of one new position per row (decoding): queries [B, heads, 1, D], keys and values [B, kvHeads, positions, D]. Row b sees the positions
 * up to lengths[b], the last `window` of them. [B, heads, 1, D].
 */
export function attendOne(queries: Tensor, keys: Tensor, values: Tensor, lengths: Tensor, scale: number, window = 0): Tensor {
  return checked(c.mxs_attend_one(queries, keys, values, lengths, window, scale));
}

/** Causal attention of the last L of the positions that keys and values [B, kvHeads, positions, D] have: queries [B, heads, L, D] → [B, L, heads, D]. */
export function attendMany(queries: Tensor, keys: Tensor, values: Tensor, scale: number, window = 0): Tensor {
  return checked(c.mxs_attend_many(queries, keys, values, window, scale));
}

/**
 * An id for each row of logits [B, V] float32, [B] uint32. Its options are a row of [B, 5] float32: temperature (0: the likeliest id), top-p
 * (1: off), top-k (0: off), min-p (0: off), and the number in [0, 1) at which the cumulative distribution is inverted, over ids in an order of
 * the kernel's own.
 */
export function drawIds(logits: Tensor, options: Tensor): Tensor {
  return checked(c.mxs_draw(logits, options));
}
