// What an architecture is to the encoder engine: ids of texts to one hidden vector per id, and for rerankers one score per text.
import type { Tensor } from "../mx/index.ts";
import type { Weights } from "../weights/weights.ts";
import type { Packed } from "./texts.ts";
import type { Verdict } from "../engine/protocol.ts";

export interface Encoder {
  readonly vocabSize: number;
  readonly segments: number; // kinds of segment that it tells apart; 1 where it has none
  readonly maxLength: number; // ids of one text
  readonly width: number; // of its vectors
  readonly pooling: Pooling; // where the checkpoint says nothing
  /** [1, T, width]. */
  forward(texts: Packed): Tensor;
}

/** How the vectors of a text's ids become one. */
export type Pooling = "mean" | "cls" | "last" | "max" | "mean_sqrt_len";

export interface Ranker extends Encoder {
  /** Scores [texts, 1] of what `forward` gave: higher is more relevant, 0 is undecided. */
  score(hidden: Tensor, texts: Packed): Tensor;
}

/** One architecture: how its config.json is read (throws CheckpointError naming the field) and how it is built. */
export interface Architecture<Config> {
  readConfig(json: Readonly<Record<string, unknown>>): Config;
  buildEncoder(weights: Weights, config: Config): Encoder;
  buildRanker(weights: Weights, config: Config, verdict: Verdict | undefined): Ranker;
}
