// The frame of every decoder: embedding, blocks one behind the other, a last norm, the output projection.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Batch, LayerKv, LayerLayout, Model, RecurrentLayout } from "../models/model.ts";
import type { Linear } from "../weights/matrix.ts";
import type { Weights } from "../weights/weights.ts";
import { head } from "./head.ts";
import type { Shape, Windows } from "./shape.ts";

/** [B, L, hidden] → the same. */
export type Block = (x: Tensor, batch: Batch, kv: LayerKv) => Tensor;

export type DecoderConfig = Pick<Shape, "hidden" | "layers" | "eps" | "vocabSize" | "contextLength" | "tied"> & {
  readonly kvHeads?: number; // of layers that attend, like the following
  readonly headDim?: number;
  readonly valueDim?: number; // when it differs from headDim
  readonly windows?: Windows;
};

export interface DecoderExtras {
  readonly at?: string; // prefix of all but the output projection, "model" without it
  readonly embedding?: string; // its name, embed_tokens without it
  readonly head?: string; // name of the output projection, lm_head without it
  readonly norm?: (w: Weights) => Linear; // the last one; an RMS norm called "norm" without it
  readonly embedScale?: number;
  readonly logits?: Linear; // what is done to them at last
  readonly recurrent?: (layer: number) => RecurrentLayout | undefined; // of layers that do not attend
}

/** Reads a whole model; `block` reads layer `layer` from weights that begin at its name. */
export function decoder(weights: Weights, c: DecoderConfig, block: (w: Weights, layer: number) => Block, extras: DecoderExtras = {}): Model {
  const w = weights.at(extras.at ?? "model");
  const embedding = w.embedding(extras.embedding ?? "embed_tokens", c.vocabSize, c.hidden);
  const blocks = Array.from({ length: c.layers }, (_, i) => block(w.at(`layers.${i}`), i));
  const norm = extras.norm?.(w) ?? w.rmsNorm("norm", c.hidden, c.eps);
  const project = head(weights, embedding, c.hidden, c.vocabSize, c.tied, extras.head);
  return {
    vocabSize: c.vocabSize,
    contextLength: c.contextLength,
    layout: blocks.map((_, i) => extras.recurrent?.(i) ?? layout(c, c.windows?.[i])),
    embed: ids => scaled(embedding.rows(ids), extras.embedScale),
    forward: (hidden, batch, kv) => norm(blocks.reduce((x, layer, i) => layer(x, batch, kv[i]!), hidden)),
    logits: hidden => (extras.logits === undefined ? project(hidden) : extras.logits(project(hidden))),
  };
}

function layout({ kvHeads, headDim, valueDim }: DecoderConfig, window: number | undefined): LayerLayout {
  if (kvHeads === undefined || headDim === undefined) throw new TypeError("a layer attends, and the model has no heads");
  return { kvHeads, headDim, ...(valueDim === undefined ? {} : { valueDim }), ...(window === undefined ? {} : { window }) };
}

/** x · factor, in the type of x. */
export function scaled(x: Tensor, factor = 1): Tensor {
  return factor === 1 ? x : mx.multiply(x, mx.scalar(factor, mx.dtype(x)));
}
