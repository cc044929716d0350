// Every supported model_type of encoders and rerankers, one line each.
import * as mistral from "../models/mistral.ts";
import * as llama from "../models/llama.ts";
import * as qwen2 from "../models/qwen2.ts";
import * as qwen3 from "../models/qwen3.ts";
import { CheckpointError, quoted } from "../weights/error.ts";
import type { Weights } from "../weights/weights.ts";
import * as bert from "./bert.ts";
import { decoderEncoder } from "./decoder.ts";
import type { Architecture, Encoder, Ranker } from "./encoder.ts";
import { architecture as gemma3_text } from "./gemma3_text.ts";
import * as modernbert from "./modernbert.ts";
import * as xlm_roberta from "./xlm_roberta.ts";
import type { Verdict } from "../engine/protocol.ts";

type Json = Readonly<Record<string, unknown>>;

/** Reads and checks config.json; then either form is built from the weights. */
type Reader = (config: Json) => {
  readonly encoder: (weights: Weights) => Encoder;
  readonly ranker: (weights: Weights, verdict: Verdict | undefined) => Ranker;
};

export const architectures: Readonly<Record<string, Reader>> = {
  bert: reader(bert),
  gemma3_text: reader(gemma3_text),
  llama: reader(decoderEncoder(llama, { pooling: "last" })),
  mistral: reader(decoderEncoder(mistral, { pooling: "last" })),
  modernbert: reader(modernbert),
  qwen2: reader(decoderEncoder(qwen2, { pooling: "last" })),
  qwen3: reader(decoderEncoder(qwen3, { pooling: "last" })),
  roberta: reader(xlm_roberta),
  "xlm-roberta": reader(xlm_roberta),
};

export function findArchitecture(modelType: string): Reader {
  if (Object.hasOwn(architectures, modelType)) return architectures[modelType]!;
  const known = Object.keys(architectures).join(", ");
  throw new CheckpointError(`config.json: model_type ${quoted(modelType)} is no supported encoder; those are ${known}`);
}

function reader<Config>(architecture: Architecture<Config>): Reader {
  return json => {
    const config = architecture.readConfig(json);
    return {
      encoder: weights => architecture.buildEncoder(weights, config),
      ranker: (weights, verdict) => architecture.buildRanker(weights, config, verdict),
    };
  };
}
