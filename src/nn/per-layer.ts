// Inputs of each layer's own, which follow from the ids and the embedding: Gemma 3n's and Gemma 4's.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import { scaled } from "./decoder.ts";
import type { Shape } from "./shape.ts";

/** Numbers per layer, and how many ids have some; all others count as id 0. */
export interface PerLayer {
  readonly width: number;
  readonly vocabSize: number;
}

/** undefined where layers have no inputs of their own. */
export function readPerLayer(c: Fields): PerLayer | undefined {
  const width = c.whole("hidden_size_per_layer_input", 256);
  return width === 0 ? undefined : { width, vocabSize: c.count("vocab_size_per_layer_input", 262144) };
}

/** Embedded ids [B, L, hidden] and the ids [B, L] → for each layer [B, L, width]. */
export function perLayerInputs(w: Weights, c: Shape, { width, vocabSize }: PerLayer): (hidden: Tensor, ids: Tensor) => Tensor[] {
  const rows = w.rows("embed_tokens_per_layer", vocabSize, c.layers * width);
  const project = w.linear("per_layer_model_projection", c.hidden, c.layers * width, false);
  const norm = w.rmsNorm("per_layer_projection_norm", width, c.eps);
  return (hidden, ids) => {
    const byLayer = (x: Tensor): Tensor => mx.reshape(x, [...mx.shape(ids), c.layers, width]);
    const known = vocabSize >= c.vocabSize ? ids : mx.multiply(ids, mx.astype(mx.less(ids, mx.scalar(vocabSize, mx.dtype(ids))), mx.dtype(ids)));
    const own = byLayer(scaled(rows(known), Math.sqrt(width)));
    const projected = norm(byLayer(scaled(project(hidden), c.hidden ** -0.5)));
    return mx.split(scaled(mx.add(projected, own), Math.SQRT1_2), c.layers, 2).map(input => mx.squeeze(input, 2));
  };
}

/** What a layer adds for its input: x [B, L, hidden], input [B, L, width] → [B, L, hidden]. */
export function perLayerGate(w: Weights, { hidden, eps }: Shape, { width }: PerLayer): (x: Tensor, input: Tensor) => Tensor {
  const [gate, back] = [w.linear("per_layer_input_gate", hidden, width, false), w.linear("per_layer_projection", width, hidden, false)];
  const norm = w.rmsNorm("post_per_layer_input_norm", hidden, eps);
  return (x, input) => norm(back(mx.gegluTanh(gate(x), input)));
}
