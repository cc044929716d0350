// Slices, gathers and scatters. An update gives a new tensor; it happens in place when nothing else refers to the old one at
// evaluation, so an owner releases the old handle first.

import { c, checked, list, scratch, type Tensor } from "./ffi.ts";

function ranges(starts: readonly number[], stops: readonly number[], strides: readonly number[] | undefined): number {
  const rank = list(starts);
  list(stops, rank);
  if (strides !== undefined) list(strides, 2 * rank);
  else for (let i = 0; i < rank; i++) scratch[2 * rank + i] = 1;
  return rank;
}

export function slice(a: Tensor, starts: readonly number[], stops: readonly number[], strides?: readonly number[]): Tensor {
  return checked(c.mxs_slice(a, ranges(starts, stops, strides)));
}

/** From `start` to `stop` on one axis, all of the others. */
export function sliceAxis(a: Tensor, axis: number, start: number, stop: number): Tensor {
  return checked(c.mxs_slice_axis(a, axis, start, stop));
}

export function sliceUpdate(a: Tensor, update: Tensor, starts: readonly number[], stops: readonly number[], strides?: readonly number[]): Tensor {
  return checked(c.mxs_slice_update(a, update, ranges(starts, stops, strides)));
}

/** A slice of the given sizes (one per axis of `a`) that starts where the tensor `start` says, on the given axes. */
export function sliceDynamic(a: Tensor, start: Tensor, axes: readonly number[], sizes: readonly number[]): Tensor {
  const count = list(axes);
  return checked(c.mxs_slice_dynamic(a, start, count, list(sizes, count)));
}

export function sliceUpdateDynamic(a: Tensor, update: Tensor, start: Tensor, axes: readonly number[]): Tensor {
  return checked(c.mxs_slice_update_dynamic(a, update, start, list(axes)));
}

/** Rows by index along an axis; without one, elements of the flattened tensor. */
export function take(a: Tensor, indices: Tensor, axis?: number): Tensor {
  return checked(axis === undefined ? c.mxs_take(a, indices) : c.mxs_take_axis(a, indices, axis));
}

export function takeAlongAxis(a: Tensor, indices: Tensor, axis: number): Tensor {
  return checked(c.mxs_take_along_axis(a, indices, axis));
}

export function putAlongAxis(a: Tensor, indices: Tensor, values: Tensor, axis: number): Tensor {
  return checked(c.mxs_put_along_axis(a, indices, values, axis));
}

/** Writes `updates` where the indices (one tensor per axis named) point. The shape of `updates` is that of the indices, followed by one
 * size per axis of `a`: the size of the slice written, 1 on the axes named. Which of two writes to one place wins is undefined. */
export function scatter(a: Tensor, indices: readonly Tensor[], updates: Tensor, axes: readonly number[]): Tensor {
  const count = list(indices);
  list(axes, count);
  return checked(c.mxs_scatter(a, updates, count));
}

/** `scatter` that adds to what is there. */
export function scatterAdd(a: Tensor, indices: readonly Tensor[], updates: Tensor, axes: readonly number[]): Tensor {
  const count = list(indices);
  list(axes, count);
  return checked(c.mxs_scatter_add(a, updates, count));
}
