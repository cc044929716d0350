// The gate of Gemma 3n's first MLPs, which lets only its largest numbers through (Gaussian top-k of Spark Transformer, You et al. 2025).
import * as mx from "../mx/index.ts";
import type { Linear } from "../weights/matrix.ts";

/** What gate values are above the bound that a share `sparsity` of them, in [0, 1), would lie below if they were normally distributed; 0 for those below. */
export function sparseGate(sparsity: number): Linear {
  const deviations = normalQuantile(sparsity);
  return x => {
    const mean = mx.mean(x, -1, true);
    const deviation = mx.sqrt(mx.mean(mx.square(mx.subtract(x, mean)), -1, true));
    return mx.relu(mx.subtract(x, mx.add(mean, mx.multiply(deviation, mx.scalar(deviations, mx.dtype(x))))));
  };
}

/** The number that a share `p` of the standard normal distribution lies below, by Newton's method, which from 0 never goes too far. */
export function normalQuantile(p: number): number {
  let x = 0;
  for (let round = 0, step = 1; round < 200 && Math.abs(step) > 1e-12; round++) {
    const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    step = (0.5 + density * series(x) - p) / density;
    x -= step;
  }
  return x;
}

/** x + x³/3 + x⁵/15 + …: the normal distribution's integral from 0 to x, divided by its density at x. */
function series(x: number): number {
  let [sum, term] = [x, x];
  for (let k = 3; Math.abs(term) > Math.abs(sum) * 1e-16; k += 2) sum += term *= (x * x) / k;
  return sum;
}
