// Attention by kernels of ours on MLX's CUDA back end, whose own plan each pair of lengths anew, or write attention out.
import type { AttendOptions, AttentionLayout } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import type { Dtype, Tensor } from "../mx/index.ts";
import type { Step } from "./step.ts";

const MOST_SHARING = 16; // query heads of one key head

/** Whether the kernels take a layer with so many query heads of this type. */
export function kernelsTake(layout: AttentionLayout, heads: number, dtype: Dtype, { softcap, sinks }: AttendOptions): boolean {
  if (!mx.ownKernels() || softcap !== undefined || sinks !== undefined) return false;
  const { kvHeads, headDim, valueDim = headDim } = layout;
  const sixteen = dtype === "bfloat16" || dtype === "float16";
  return sixteen && valueDim === headDim && mx.attendsWidth(headDim) && heads <= MOST_SHARING * kvHeads;
}

/** queries [B, heads, L, D], keys and values [B, kvHeads, positions, D] from position 0 on; [B, L, heads, D]. */
export function attendByKernels(queries: Tensor, keys: Tensor, values: Tensor, step: Step, scale: number, window?: number): Tensor {
  if (step.length > 1) return mx.attendMany(queries, keys, values, scale, window);
  const [rows, heads, , width] = mx.shape(queries) as [number, number, number, number];
  return mx.reshape(mx.attendOne(queries, keys, values, step.offsets, scale, window), [rows, 1, heads, width]);
}
