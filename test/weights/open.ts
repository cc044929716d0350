// Weights over a checkpoint that a test makes up.
import { expect } from "bun:test";
import { join } from "node:path";
import * as mx from "../../src/mx/index.ts";
import type { Tensor } from "../../src/mx/index.ts";
import { readTensors } from "../../src/weights/checkpoint.ts";
import { readQuantization } from "../../src/weights/quantization.ts";
import { Weights } from "../../src/weights/weights.ts";
import { withFolder } from "../helpers/checkpoints.ts";

/** Runs `body` over a checkpoint of these tensors; everything must be given back afterwards. */
export function withWeights<T>(
  make: () => Readonly<Record<string, Tensor>>,
  body: (w: Weights) => T,
  config: Record<string, unknown> = {},
  turned = false,
): T {
  const handles = mx.liveHandles();
  const result = withFolder({}, folder =>
    mx.scope(() => {
      mx.saveSafetensors(join(folder, "model.safetensors"), new Map(Object.entries(make())), {});
      const weights = Weights.open(folder, readTensors(folder), readQuantization(config), { turned });
      try {
        return body(weights);
      } finally {
        weights.release();
      }
    }),
  );
  expect(mx.liveHandles()).toBe(handles);
  return result;
}

export const random = (shape: readonly number[], seed: number, dtype: mx.Dtype = "float32") =>
  mx.astype(mx.randomNormal([...shape], "float32", seed), dtype);
export const numbers = (t: Tensor) => [...mx.toFloat32(t)];

export function packed(name: string, seed: number, bits: number, groupSize: number, shape = [8, 128]): Record<string, Tensor> {
  const [weight, scales, biases] = mx.quantize(random(shape, seed), { bits, groupSize, mode: "affine" }) as [Tensor, Tensor, Tensor];
  return { [`${name}.weight`]: weight, [`${name}.scales`]: scales, [`${name}.biases`]: biases };
}
