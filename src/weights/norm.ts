// Root mean square norm (Zhang and Sennrich 2019) for both kinds of back end.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";

/**
 * x / sqrt(mean(x²) + eps) · weight over the last axis. GPU back ends have one kernel for it. MLX's CPU back end makes
 * eleven primitives of that, and small models spend their time on primitives there: these are seven.
 */
export function rmsNorm(x: Tensor, weight: Tensor, eps: number): Tensor {
  if (mx.device() === "gpu") return mx.rmsNorm(x, weight, eps);
  return mx.multiply(unitNorm(x, eps), weight);
}

/** The same with a gain that varies over more than the last axis. */
export function rmsNormBy(x: Tensor, gain: Tensor, eps: number): Tensor {
  return mx.multiply(mx.device() === "gpu" ? mx.rmsNorm(x, undefined, eps) : unitNorm(x, eps), gain);
}

function unitNorm(x: Tensor, eps: number): Tensor {
  const mean = mx.mean(mx.square(x), -1, true);
  return mx.multiply(x, mx.rsqrt(mx.add(mean, mx.scalar(eps))));
}
