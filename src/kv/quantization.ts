// Quantized keys and values, as chosen for a served model.
import type { KvQuantizationOptions } from "../engine/protocol.ts";
import type { AttentionLayout, LayerLayout, Model } from "../models/model.ts";
import { CheckpointError } from "../weights/error.ts";
import { isRecurrent } from "./recurrent.ts";

/**
 * The model with quantized layers of keys and values; states stay as they are. The first positions of every row stay exact:
 * `minTokens` of them, rounded up to whole blocks, so that a stored block is of one kind. Throws CheckpointError where groups
 * do not divide a width.
 */
export function withQuantizedKv(model: Model, options: KvQuantizationOptions, blockSize: number): Model {
  const { bits, groupSize, minTokens } = options;
  const quantized = { bits, groupSize, mode: "affine", from: Math.ceil(minTokens / blockSize) * blockSize } as const;
  const layout = model.layout.map((one, layer): LayerLayout => {
    if (isRecurrent(one)) return one;
    const width = widths(one).find(n => n % groupSize !== 0);
    if (width === undefined) return { ...one, quantized };
    throw new CheckpointError(
      `--kv-cache-quantization-group-size ${groupSize} does not divide the ${width} numbers that a head of layer ${layer} keeps of a token`,
    );
  });
  return { ...model, layout };
}

function widths({ headDim, valueDim }: AttentionLayout): number[] {
  return [headDim, valueDim ?? headDim];
}
