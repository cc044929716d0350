// The vectors of a text's ids → one vector per text.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Pooling } from "./encoder.ts";
import type { Group, Packed } from "./texts.ts";

/** [1, T, width] → [texts, width]. */
export function pool(hidden: Tensor, texts: Packed, how: Pooling): Tensor {
  const width = mx.shape(hidden)[2]!;
  const pooled = texts.groups.map(({ start, rows, length }: Group) => {
    const own = mx.reshape(mx.sliceAxis(hidden, 1, start, start + rows * length), [rows, length, width]);
    return kinds[how](own, length);
  });
  return pooled.length === 1 ? pooled[0]! : mx.concatenate(pooled, 0);
}

/** [rows, length, width] → [rows, width]. */
const kinds: Readonly<Record<Pooling, (x: Tensor, length: number) => Tensor>> = {
  mean: x => mx.mean(x, 1),
  cls: x => mx.squeeze(mx.sliceAxis(x, 1, 0, 1), 1),
  last: (x, length) => mx.squeeze(mx.sliceAxis(x, 1, length - 1, length), 1),
  max: x => mx.max(x, 1),
  mean_sqrt_len: (x, length) => mx.divide(mx.sum(x, 1), mx.scalar(Math.sqrt(length), mx.dtype(x))),
};

/** Each vector at length 1. */
export function normalize(x: Tensor): Tensor {
  const length = mx.sqrt(mx.sum(mx.square(x), -1, true));
  return mx.divide(x, mx.maximum(length, mx.scalar(1e-12)));
}
