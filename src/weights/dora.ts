// DoRA: an adapter that also says how long the weights of each output are, instead of leaving that to what it adds (Liu et al., 2024).
//
// A projection y = x·W + b becomes g·(x·W + x·A) + b, where A is what the adapter adds to W, and g stretches each output's weights,
// W + A, to the magnitude that was learned. That is g·y + x·(g·A) + (1 - g)·b: g and (1 - g)·b are made once, when the model is loaded.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Linear } from "./matrix.ts";

/** A projection as numbers, however it is stored. */
export interface Plain {
  readonly weight: Tensor; // [inputs, outputs]
  readonly bias: Tensor; // [outputs], zeros where there is none
}

export function readPlain(linear: Linear, inputs: number): Plain {
  const identity = mx.subtract(mx.tri(inputs, inputs, 0, "float32"), mx.tri(inputs, inputs, -1, "float32"));
  const bias = mx.astype(linear(mx.zeros([1, inputs], "float32")), "float32");
  return { weight: mx.subtract(mx.astype(linear(identity), "float32"), bias), bias: mx.reshape(bias, [-1]) };
}

/** How long the weights of each output are with what an adapter adds, down · up: [outputs]. */
export function lengths({ weight }: Plain, down: Tensor, up: Tensor): Tensor {
  return mx.sqrt(mx.sum(mx.square(mx.add(weight, mx.matmul(down, up))), 0));
}
