// Matrix products (dense, quantized, gathered), convolutions, norms, rotary positions and attention.

import { dtypeCode, type Dtype } from "./dtype.ts";
import { c, checked, handles, list, type Tensor } from "./ffi.ts";

export type QuantMode = "affine" | "mxfp4" | "mxfp8" | "nvfp4";
export type Quantization = { readonly groupSize: number; readonly bits: number; readonly mode: QuantMode };

const modeCodes: Readonly<Record<QuantMode, number>> = { affine: 0, mxfp4: 1, mxfp8: 2, nvfp4: 3 };

export function matmul(a: Tensor, b: Tensor): Tensor {
  return checked(c.mxs_matmul(a, b));
}

/** addend + scale a b */
export function addmm(addend: Tensor, a: Tensor, b: Tensor, scale = 1): Tensor {
  return checked(c.mxs_addmm(addend, a, b, scale));
}

/** The product of x with a quantized matrix: its transpose by default, as checkpoints store it. */
export function quantizedMatmul(x: Tensor, w: Tensor, scales: Tensor, biases: Tensor | undefined, q: Quantization, transpose = true): Tensor {
  return checked(c.mxs_quantized_matmul(x, w, scales, biases ?? 0, q.groupSize, q.bits, modeCodes[q.mode], transpose ? 1 : 0));
}

/** The matrix packed, its scales and, in affine mode, its biases. */
export function quantize(w: Tensor, q: Quantization): Tensor[] {
  return handles(c.mxs_quantize(w, q.groupSize, q.bits, modeCodes[q.mode]));
}

export function dequantize(w: Tensor, scales: Tensor, biases: Tensor | undefined, q: Quantization, dtype?: Dtype): Tensor {
  const type = dtype === undefined ? -1 : dtypeCode(dtype);
  return checked(c.mxs_dequantize(w, scales, biases ?? 0, q.groupSize, q.bits, modeCodes[q.mode], type));
}

/** `matmul` with one of the matrices of `a` and one of those of `b` per index; `sorted` promises ascending right-hand indices. */
export function gatherMm(a: Tensor, b: Tensor, lhsIndices: Tensor | undefined, rhsIndices: Tensor | undefined, sorted = false): Tensor {
  return checked(c.mxs_gather_mm(a, b, lhsIndices ?? 0, rhsIndices ?? 0, sorted ? 1 : 0));
}

/** `gatherMm` with quantized right-hand matrices. */
export function gatherQmm(
  x: Tensor,
  w: Tensor,
  scales: Tensor,
  biases: Tensor | undefined,
  lhsIndices: Tensor | undefined,
  rhsIndices: Tensor | undefined,
  q: Quantization,
  transpose = true,
  sorted = false,
): Tensor {
  const mode = modeCodes[q.mode];
  return checked(
    c.mxs_gather_qmm(x, w, scales, biases ?? 0, lhsIndices ?? 0, rhsIndices ?? 0, q.groupSize, q.bits, mode, transpose ? 1 : 0, sorted ? 1 : 0),
  );
}

/** x [B, L, in], w [out, width, in / groups] → [B, L', out] */
export function conv1d(x: Tensor, w: Tensor, stride = 1, padding = 0, dilation = 1, groups = 1): Tensor {
  return checked(c.mxs_conv1d(x, w, stride, padding, dilation, groups));
}

/** x [B, L, in], w [out, width, in / groups] → [B, L', out] */
export function convTranspose1d(x: Tensor, w: Tensor, stride = 1, padding = 0, dilation = 1, outputPadding = 0, groups = 1): Tensor {
  return checked(c.mxs_conv_transpose1d(x, w, stride, padding, dilation, outputPadding, groups));
}

type Pair = readonly [number, number];

/** x [B, H, W, in], w [out, h, w, in / groups] → [B, H', W', out] */
export function conv2d(x: Tensor, w: Tensor, stride: Pair = [1, 1], padding: Pair = [0, 0], dilation: Pair = [1, 1], groups = 1): Tensor {
  list(stride);
  list(padding, 2);
  list(dilation, 4);
  return checked(c.mxs_conv2d(x, w, groups));
}

export function rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
  return checked(c.mxs_rms_norm(x, weight ?? 0, eps));
}

export function layerNorm(x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined, eps: number): Tensor {
  return checked(c.mxs_layer_norm(x, weight ?? 0, bias ?? 0, eps));
}

/** x · cos + x[other] · sin over the last axis: x [B, heads, L, width], cos and sin [B or 1, 1, L, width], other [width] int32. */
export function turn(x: Tensor, cos: Tensor, sin: Tensor, other: Tensor): Tensor {
  return checked(c.mxs_turn(x, cos, sin, other));
}

/** `base` or the tensor `freqs` gives the wavelengths. */
export type Rope = { readonly traditional?: boolean; readonly base?: number; readonly scale?: number; readonly freqs?: Tensor };

// Handles and small integers are both numbers, so the type of `offset` cannot be told by looking: a handle is never below 2^20.
const firstHandle = 1 << 20;

/** Rotates the first `dims` features of x [B, …, L, features]; positions start at `offset`, or at one offset per row (int32 [B]). */
export function rope(x: Tensor, dims: number, options: Rope, offset: number | Tensor): Tensor {
  const traditional = options.traditional === true ? 1 : 0;
  const base = options.base ?? 0;
  const scale = options.scale ?? 1;
  const freqs = options.freqs ?? 0;
  return checked(
    offset >= firstHandle || offset < 0
      ? c.mxs_rope_rows(x, dims, traditional, base, scale, freqs, offset)
      : c.mxs_rope(x, dims, traditional, base, scale, freqs, offset),
  );
}

/** q [B, heads, L, D], k and v [B, kvHeads, S, D]; `mask` is boolean (true attends) or added; `sinks` [heads] are extra logits. */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  mask: undefined | "causal" | Tensor,
  sinks?: Tensor,
): Tensor {
  const causal = mask === "causal";
  return checked(c.mxs_attention(q, k, v, scale, causal ? 1 : 0, causal || mask === undefined ? 0 : mask, sinks ?? 0));
}
