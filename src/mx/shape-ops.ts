// Shapes, joining and splitting, types, and tensors out of nothing. Axes may be negative.

import { dtypeCode, type Dtype } from "./dtype.ts";
import { axisList, c, checked, handles, list, type Tensor } from "./ffi.ts";

export function reshape(a: Tensor, shape: readonly number[]): Tensor {
  return checked(c.mxs_reshape(a, list(shape)));
}

export function broadcastTo(a: Tensor, shape: readonly number[]): Tensor {
  return checked(c.mxs_broadcast_to(a, list(shape)));
}

/** Without axes: all of them in reverse. */
export function transpose(a: Tensor, axes?: readonly number[]): Tensor {
  return checked(c.mxs_transpose(a, axes === undefined ? -1 : list(axes)));
}

export function swapaxes(a: Tensor, i: number, j: number): Tensor {
  return checked(c.mxs_swapaxes(a, i, j));
}

export function expandDims(a: Tensor, axes: number | readonly number[]): Tensor {
  return checked(c.mxs_expand_dims(a, axisList(axes)));
}

export function squeeze(a: Tensor, axes: number | readonly number[]): Tensor {
  return checked(c.mxs_squeeze(a, axisList(axes)));
}

/** Makes the axes from `start` to `end`, inclusive, one. */
export function flatten(a: Tensor, start = 0, end = -1): Tensor {
  return checked(c.mxs_flatten(a, start, end));
}

export function concatenate(ts: readonly Tensor[], axis: number): Tensor {
  return checked(c.mxs_concatenate(list(ts), axis));
}

export function stack(ts: readonly Tensor[], axis: number): Tensor {
  return checked(c.mxs_stack(list(ts), axis));
}

/** Into so many equal parts, or before each of the indices. */
export function split(a: Tensor, parts: number | readonly number[], axis: number): Tensor[] {
  return handles(typeof parts === "number" ? c.mxs_split(a, parts, axis) : c.mxs_split_at(a, list(parts), axis));
}

/** Repeats each element along the axis. */
export function repeat(a: Tensor, times: number, axis: number): Tensor {
  return checked(c.mxs_repeat(a, times, axis));
}

/** Repeats the whole tensor along each axis. */
export function tile(a: Tensor, repetitions: readonly number[]): Tensor {
  return checked(c.mxs_tile(a, list(repetitions)));
}

export function pad(a: Tensor, axis: number, low: number, high: number, value = 0): Tensor {
  return checked(c.mxs_pad(a, axis, low, high, value));
}

export function roll(a: Tensor, shift: number, axis: number): Tensor {
  return checked(c.mxs_roll(a, shift, axis));
}

export function astype(a: Tensor, dtype: Dtype): Tensor {
  return checked(c.mxs_astype(a, dtypeCode(dtype)));
}

/** Numbers of 8 bits in the form E4M3, stored as uint8, as numbers of another type. */
export function fromFp8(a: Tensor, dtype: Dtype): Tensor {
  return checked(c.mxs_from_fp8(a, dtypeCode(dtype)));
}

/** The same bytes read as another type; the last axis changes with the size of an element. */
export function view(a: Tensor, dtype: Dtype): Tensor {
  return checked(c.mxs_view(a, dtypeCode(dtype)));
}

/** The tensor row by row in memory. */
export function contiguous(a: Tensor): Tensor {
  return checked(c.mxs_contiguous(a));
}

export function full(shape: readonly number[], value: number, dtype: Dtype): Tensor {
  return checked(c.mxs_full(value, list(shape), dtypeCode(dtype)));
}

export function zeros(shape: readonly number[], dtype: Dtype): Tensor {
  return full(shape, 0, dtype);
}

export function ones(shape: readonly number[], dtype: Dtype): Tensor {
  return full(shape, 1, dtype);
}

export function zerosLike(a: Tensor): Tensor {
  return checked(c.mxs_zeros_like(a));
}

/** From `start` up to, and without, `stop`. */
export function arange(start: number, stop: number, step: number, dtype: Dtype): Tensor {
  return checked(c.mxs_arange(start, stop, step, dtypeCode(dtype)));
}

/** Ones at and below the diagonal `k`, zeros above. */
export function tri(rows: number, columns: number, k: number, dtype: Dtype): Tensor {
  return checked(c.mxs_tri(rows, columns, k, dtypeCode(dtype)));
}

/** The tensor with zeros above the diagonal `k`. */
export function tril(a: Tensor, k = 0): Tensor {
  return checked(c.mxs_tril(a, k));
}

/** The tensor with zeros below the diagonal `k`. */
export function triu(a: Tensor, k = 0): Tensor {
  return checked(c.mxs_triu(a, k));
}

/** For tests and tools: normally distributed values; the seed decides them. */
export function randomNormal(shape: readonly number[], dtype: Dtype, seed: number): Tensor {
  return checked(c.mxs_random_normal(list(shape), dtypeCode(dtype), seed));
}

/** For tests and tools: values in [0, 1). */
export function randomUniform(shape: readonly number[], dtype: Dtype, seed: number): Tensor {
  return checked(c.mxs_random_uniform(list(shape), dtypeCode(dtype), seed));
}
