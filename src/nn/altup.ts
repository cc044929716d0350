// Several versions of the hidden vectors, of which a block works on one: it predicts what all will be and corrects them by what it found
// (AltUp, Baykal et al. 2023), as Gemma 3n does.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Fields } from "../weights/fields.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import { scaled } from "./decoder.ts";

export interface Versions {
  readonly count: number;
  readonly active: number; // the one that blocks work on
  readonly isScaled: boolean; // before the layer's own input comes to it
}

export function readVersions(c: Fields): Versions {
  const [count, active] = [c.count("altup_num_inputs", 4, 64), c.whole("altup_active_idx", 0)];
  if (active >= count) throw c.error("altup_active_idx", `is ${active}, and altup_num_inputs is ${count}`);
  return { count, active, isScaled: c.flag("altup_correct_scale", true) };
}

/** [B, L, hidden] → [B, L, versions, hidden]: the vectors, and projections of them that are as long. */
export function spreadVersions(w: Weights, hidden: number, { count }: Versions): Linear {
  const others = Array.from({ length: count - 1 }, (_, i) => w.linear(`altup_projections.${i}`, hidden, hidden, false));
  return x => mx.stack([x, ...others.map(project => asLongAs(x, project(x)))], 2);
}

/** [B, L, versions, hidden] → [B, L, hidden]: their mean, once they are projected back and as long as the first. */
export function gatherVersions(w: Weights, hidden: number, { count }: Versions): Linear {
  const others = Array.from({ length: count - 1 }, (_, i) => w.linear(`altup_unembed_projections.${i}`, hidden, hidden, false));
  return x => {
    const first = version(x, 0);
    return mx.mean(mx.stack([first, ...others.map((project, i) => asLongAs(first, project(version(x, i + 1))))], 2), 2);
  };
}

function asLongAs(x: Tensor, y: Tensor): Tensor {
  const square = (t: Tensor): Tensor => mx.mean(mx.square(t), -1, true);
  return mx.multiply(y, mx.divide(mx.sqrt(square(x)), mx.sqrt(mx.maximum(square(y), mx.scalar(1e-5, mx.dtype(y))))));
}

/** One of them: [B, L, versions, hidden] → [B, L, hidden]. */
export function version(x: Tensor, index: number): Tensor {
  return mx.squeeze(mx.sliceAxis(x, 2, index, index + 1), 2);
}

export interface AltUp {
  readonly predict: Linear; // what all versions are behind the block, from what they are before it
  readonly correct: (predicted: Tensor, found: Tensor) => Tensor; // by what the block made of the active one
  readonly scale: Linear; // of the active one
  readonly addToOthers: (versions: Tensor, more: Tensor) => Tensor; // than the first
}

export function altUp(w: Weights, hidden: number, eps: number, { count, active, isScaled }: Versions): AltUp {
  const [norm, router] = [w.rmsNorm("router_norm", hidden, eps), w.linear("modality_router", hidden, count, false)];
  const [toPredictions, toCorrections] = [
    w.linear("prediction_coefs", count, count * count, false),
    w.linear("correction_coefs", count, count, false),
  ];
  const gain = w.numbers("correct_output_scale", [hidden]);
  const others = w.constant(() =>
    mx.fromArray(
      Float32Array.from({ length: count }, (_, i) => Math.min(i, 1)),
      [count, 1],
    ),
  );
  const route = (x: Tensor): Tensor => mx.tanh(mx.astype(router(scaled(norm(x), 1 / hidden)), "float32"));
  return {
    predict: versions => {
      const shares = toPredictions(route(version(versions, active)));
      const mix = mx.reshape(shares, [...mx.shape(shares).slice(0, 2), count, count]); // [B, L, to, from]
      const exact = mx.astype(versions, "float32");
      return mx.astype(mx.add(mx.matmul(mix, exact), exact), mx.dtype(versions));
    },
    correct: (predicted, found) => {
      const shares = mx.add(toCorrections(route(found)), mx.scalar(1));
      const news = mx.subtract(found, version(predicted, active));
      return mx.astype(mx.add(mx.multiply(mx.expandDims(news, 2), mx.expandDims(shares, -1)), predicted), mx.dtype(found));
    },
    addToOthers: (versions, more) => mx.add(versions, mx.multiply(mx.expandDims(more, 2), mx.astype(others, mx.dtype(more)))),
    scale: x => (isScaled ? mx.multiply(x, gain) : x),
  };
}
