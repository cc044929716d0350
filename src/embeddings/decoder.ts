// Language models as encoders: the model's own file does the work, and its last hidden vectors are what is wanted.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Family, Model } from "../models/model.ts";
import { CheckpointError } from "../weights/error.ts";
import type { Weights } from "../weights/weights.ts";
import type { Architecture, Encoder, Pooling, Ranker } from "./encoder.ts";
import { pool } from "./pooling.ts";
import { decoderAttention, type Packed } from "./texts.ts";

interface Config<Own> {
  readonly own: Own;
  readonly json: Readonly<Record<string, unknown>>;
  readonly causal: boolean;
}

interface Options<Own> {
  readonly pooling: Pooling;
  /** Reads whether positions see only what lies before them, and changes what else follows from that. */
  readonly direct?: (config: Own, json: Readonly<Record<string, unknown>>) => { readonly config: Own; readonly causal: boolean };
}

export function decoderEncoder<Own extends { readonly hidden: number; readonly tied: boolean | undefined }>(
  family: Family<Own>,
  { pooling, direct = config => ({ config, causal: true }) }: Options<Own>,
): Architecture<Config<Own>> {
  return {
    readConfig: json => {
      const { config, causal } = direct(family.readConfig(json), json);
      return { own: config, json, causal };
    },
    /** Such checkpoints have no output projection, or one that nobody needs. */
    buildEncoder: (weights, { own, causal }) => {
      weights.nest("model", "lm_head");
      return toEncoder(family.build(weights, { ...own, tied: true }), own.hidden, causal, pooling);
    },
    /** Scores are how much likelier "yes" is than "no" as the next word, or what a projection of its own says. */
    buildRanker: (weights: Weights, { own, causal }, verdict): Ranker => {
      weights.nest("model", "lm_head");
      if (weights.has("score.weight")) {
        const score = weights.linear("score", own.hidden, 1, false);
        const model = family.build(weights, { ...own, tied: true });
        return { ...toEncoder(model, own.hidden, causal, "last"), score: (hidden, texts) => score(pool(hidden, texts, "last")) };
      }
      if (verdict === undefined) throw new CheckpointError("config.json: model_type is supported for embeddings, and as a reranker it is not");
      const model = family.build(weights, own);
      const difference = (hidden: Tensor, texts: Packed): Tensor => {
        const logits = model.logits(pool(hidden, texts, "last"));
        const of = (id: number) => mx.sliceAxis(logits, -1, id, id + 1);
        return mx.subtract(of(verdict.yes), of(verdict.no));
      };
      return { ...toEncoder(model, own.hidden, causal, "last"), score: difference };
    },
  };
}

function toEncoder(model: Model, width: number, causal: boolean, pooling: Pooling): Encoder {
  return {
    vocabSize: model.vocabSize,
    segments: 1,
    maxLength: model.contextLength,
    width,
    pooling,
    forward: texts => model.forward(model.embed(texts.ids), texts.batch, decoderAttention(texts, model.layout, causal), texts.ids),
  };
}
