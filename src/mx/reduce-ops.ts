// Reductions and ordering. Names and semantics are MLX's; axes may be negative.

import { axisList, c, checked, type Tensor } from "./ffi.ts";

/** One axis, several, or all of them. */
export type Axes = number | readonly number[] | undefined;

/** -1 stands for all. */
function axesList(axes: Axes): number {
  return axes === undefined ? -1 : axisList(axes);
}

export function sum(a: Tensor, axes?: Axes, keepDims = false): Tensor {
  return checked(c.mxs_sum(a, axesList(axes), keepDims ? 1 : 0));
}

export function mean(a: Tensor, axes?: Axes, keepDims = false): Tensor {
  return checked(c.mxs_mean(a, axesList(axes), keepDims ? 1 : 0));
}

export function max(a: Tensor, axes?: Axes, keepDims = false): Tensor {
  return checked(c.mxs_max(a, axesList(axes), keepDims ? 1 : 0));
}

export function min(a: Tensor, axes?: Axes, keepDims = false): Tensor {
  return checked(c.mxs_min(a, axesList(axes), keepDims ? 1 : 0));
}

export function prod(a: Tensor, axes?: Axes, keepDims = false): Tensor {
  return checked(c.mxs_prod(a, axesList(axes), keepDims ? 1 : 0));
}

export function all(a: Tensor, axes?: Axes, keepDims = false): Tensor {
  return checked(c.mxs_all(a, axesList(axes), keepDims ? 1 : 0));
}

export function any(a: Tensor, axes?: Axes, keepDims = false): Tensor {
  return checked(c.mxs_any(a, axesList(axes), keepDims ? 1 : 0));
}

export function logsumexp(a: Tensor, axes?: Axes, keepDims = false): Tensor {
  return checked(c.mxs_logsumexp(a, axesList(axes), keepDims ? 1 : 0));
}

/** Over one axis, or all. */
export function argmax(a: Tensor, axes?: Axes, keepDims = false): Tensor {
  return checked(c.mxs_argmax(a, axesList(axes), keepDims ? 1 : 0));
}

export function argmin(a: Tensor, axes?: Axes, keepDims = false): Tensor {
  return checked(c.mxs_argmin(a, axesList(axes), keepDims ? 1 : 0));
}

/** In float32 inside where `precise`. */
export function softmax(a: Tensor, axis = -1, precise = true): Tensor {
  return checked(c.mxs_softmax(a, axis, precise ? 1 : 0));
}

export function cumsum(a: Tensor, axis: number, reverse = false, inclusive = true): Tensor {
  return checked(c.mxs_cumsum(a, axis, reverse ? 1 : 0, inclusive ? 1 : 0));
}

export function sort(a: Tensor, axis: number): Tensor {
  return checked(c.mxs_sort(a, axis));
}

export function argsort(a: Tensor, axis: number): Tensor {
  return checked(c.mxs_argsort(a, axis));
}

/** The element `kth` is where sorting would put it, smaller ones before it, larger ones after it. */
export function partition(a: Tensor, kth: number, axis: number): Tensor {
  return checked(c.mxs_partition(a, kth, axis));
}

export function argpartition(a: Tensor, kth: number, axis: number): Tensor {
  return checked(c.mxs_argpartition(a, kth, axis));
}

/** The `k` largest values, in no particular order. */
export function topk(a: Tensor, k: number, axis: number): Tensor {
  return checked(c.mxs_topk(a, k, axis));
}
