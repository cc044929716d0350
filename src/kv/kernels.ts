// Attention by kernels of ours, which MLX's CUDA back end has: its own plan each pair of lengths anew, or write attention out.
import type { AttendOptions, AttentionLayout } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import type { Dtype, Tensor } from "../mx/index.ts";
import type { Step } from "./step.ts";

export function kernelsTake({ headDim, valueDim = headDim }: AttentionLayout, dtype: Dtype, { softcap, sinks }: AttendOptions): boolean {
  const plain = softcap === undefined && sinks === undefined && valueDim === headDim;
  return plain && mx.ownKernels() && (dtype === "bfloat16" || dtype === "float16") && mx.attendsWidth(headDim);
}

/** queries [B, heads, L, D], keys and values [B, kvHeads, positions, D] from position 0 on; [B, L, heads, D]. */
export function attendByKernels(queries: Tensor, keys: Tensor, values: Tensor, step: Step, scale: number, window?: number): Tensor {
  if (step.length > 1) return mx.attendMany(queries, keys, values, scale, window);
  const [rows, heads, , width] = mx.shape(queries) as [number, number, number, number];
  return mx.reshape(mx.attendOne(queries, keys, values, step.offsets, scale, window), [rows, 1, heads, width]);
}
