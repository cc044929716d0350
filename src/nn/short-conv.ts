// A causal convolution of every channel by itself: each output sees its input and the few before it.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { StateLayout } from "../models/model.ts";
import type { Weights } from "../weights/weights.ts";

/** x [B, L, channels] behind the window [B, width - 1, channels] → outputs as x, and the window behind x. */
export type ShortConv = (x: Tensor, window: Tensor) => readonly [output: Tensor, window: Tensor];

/** What such a convolution carries: the last inputs. */
export function windowLayout(channels: number, width: number): StateLayout {
  return { shape: [width - 1, channels] };
}

/** Stored by MLX as [channels, width, 1], by torch as [channels, 1, width]. */
export function shortConv(w: Weights, name: string, channels: number, width: number, hasBias?: boolean): ShortConv {
  if (isTorchConv(w, name)) w.derive(`${name}.weight`, stored => ({ [`${name}.weight`]: mx.swapaxes(stored, 1, 2) }));
  const kernel = w.numbers(`${name}.weight`, [channels, width, 1]);
  const bias = w.bias(name, [channels], hasBias);
  const taps = w.constant(() => mx.contiguous(mx.transpose(mx.squeeze(kernel, 2))));
  const convolve = mx.device() === "gpu" ? (x: Tensor) => mx.conv1d(x, kernel, 1, 0, 1, channels) : (x: Tensor) => byTaps(x, taps, width);
  return (x, window) => {
    const inputs = mx.concatenate([window, x], 1); // [B, width - 1 + L, channels]
    const output = convolve(inputs);
    const end = mx.shape(inputs)[1]!;
    const last = mx.contiguous(mx.sliceAxis(inputs, 1, end - width + 1, end)); // holds on to nothing else
    return [bias === undefined ? output : mx.add(output, bias), last];
  };
}

export function isTorchConv(w: Weights, name: string): boolean {
  const [, , last = 1] = w.shape(`${name}.weight`) ?? [];
  return last !== 1;
}

/** MLX's CPU back end is slow at convolutions. One position and many are summed in the same order. */
export function byTaps(inputs: Tensor, taps: Tensor, width: number): Tensor {
  const length = mx.shape(inputs)[1]! - width + 1;
  if (length === 1) return mx.sum(mx.multiply(inputs, taps), 1, true);
  const tap = (i: number): Tensor => mx.multiply(mx.sliceAxis(inputs, 1, i, i + length), mx.sliceAxis(taps, 0, i, i + 1));
  let sum = tap(0);
  for (let i = 1; i < width; i++) sum = mx.add(sum, tap(i));
  return sum;
}
