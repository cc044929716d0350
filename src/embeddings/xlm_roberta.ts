// RoBERTa and XLM-RoBERTa: BERT with positions that begin behind the padding id, and another head for scores.
import { tanh } from "../mx/index.ts";
import { Fields } from "../weights/fields.ts";
import type { Weights } from "../weights/weights.ts";
import * as bert from "./bert.ts";
import type { Encoder, Ranker } from "./encoder.ts";
import { pool } from "./pooling.ts";

export function readConfig(json: Readonly<Record<string, unknown>>): bert.Config {
  const c = new Fields(json);
  return bert.readFields(c, c.whole("pad_token_id", 1) + 1);
}

export function buildEncoder(weights: Weights, c: bert.Config): Encoder {
  const w = weights.has("roberta.embeddings.word_embeddings.weight") ? weights.at("roberta") : weights;
  w.at("pooler").skipAll();
  return bert.trunk(w, c);
}

export function buildRanker(weights: Weights, c: bert.Config): Ranker {
  const encoder = bert.trunk(weights.at("roberta"), c);
  const dense = weights.linear("classifier.dense", c.hidden, c.hidden, true);
  const classify = weights.linear("classifier.out_proj", c.hidden, 1, true);
  return { ...encoder, score: (hidden, texts) => classify(tanh(dense(pool(hidden, texts, "cls")))) };
}
