// Attention of new queries over the keys and values that rows hold.
import type { AttendOptions } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";

/** queries [B, heads, L, D], keys and values [B, kvHeads, K, …]; `mask` as scaledDotProductAttention takes it. */
export function attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | "causal" | undefined, options: AttendOptions): Tensor {
  if (options.softcap !== undefined) return attendCapped(queries, keys, values, mask, options.scale, options.softcap);
  return mx.scaledDotProductAttention(queries, keys, values, options.scale, mask, options.sinks);
}

/** No back end has a kernel for capped products, so here attention is written out. */
function attendCapped(q: Tensor, keys: Tensor, values: Tensor, mask: Tensor | "causal" | undefined, scale: number, softcap: number): Tensor {
  const [rows, heads, length, width] = mx.shape(q) as [number, number, number, number];
  const [, kvHeads, held] = mx.shape(keys) as [number, number, number, number];
  const scaled = mx.multiply(q, mx.scalar(scale, mx.dtype(q)));
  const grouped = mx.reshape(scaled, [rows, kvHeads, heads / kvHeads, length, width]);
  const products = mx.softcap(mx.matmul(grouped, mx.swapaxes(mx.expandDims(keys, 2), 3, 4)), softcap); // [B, kvHeads, group, L, K]
  const seen = mask === "causal" ? mx.tri(length, held, held - length, "bool") : mask && mx.expandDims(mask, 2);
  const logits = seen === undefined ? products : mx.where(seen, products, mx.scalar(-Infinity, mx.dtype(q)));
  const out = mx.matmul(mx.softmax(logits), mx.expandDims(values, 2)); // [B, kvHeads, group, L, valueDim]
  return mx.reshape(out, [rows, heads, length, mx.shape(values)[3]!]);
}
