// Root mean square norm (Zhang and Sennrich 2019).
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";

/** x / sqrt(mean(x²) + eps) · gain over the last axis, with a gain that may vary over more than that axis. */
export function rmsNormBy(x: Tensor, gain: Tensor, eps: number): Tensor {
  return mx.multiply(mx.rmsNorm(x, undefined, eps), gain);
}
