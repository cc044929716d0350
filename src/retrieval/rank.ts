// Pairs of texts → how relevant one is for the other, between 0 and 1.
import type { EncodeText } from "../engine/protocol.ts";
import { tooLong } from "./embed.ts";
import type { EncoderService } from "./service.ts";

export interface Pair {
  readonly query: string;
  readonly document: string;
  readonly name: string; // of the field that the document came from
}

export interface RankLimits {
  readonly pair?: number; // ids of a pair
  readonly document?: number; // ids of a document alone
}

export interface Ranking {
  readonly scores: readonly number[]; // one per pair
  readonly tokens: number; // that were read
  readonly truncated: number; // pairs that were cut, because the model takes no more
}

/** Throws ApiError for what the request got wrong and EngineError for what the engine could not do. */
export async function rank(service: EncoderService, pairs: readonly Pair[], limits: RankLimits, signal: AbortSignal): Promise<Ranking> {
  const { frame, overflow, maxLength } = service;
  const parts = await (frame.joins ? joined(service, pairs, limits) : apart(service, pairs, limits));
  let truncated = 0;
  const texts = parts.map((ids, i): EncodeText => {
    const length = frame.size + ids.reduce((sum, part) => sum + part.length, 0);
    const wanted = Math.min(maxLength, limits.pair ?? Infinity);
    if (length > maxLength && limits.pair === undefined) {
      if (overflow === "error") throw tooLong(pairs[i]!.name, length, maxLength);
      truncated += 1;
    }
    return frame.wrap(ids, wanted);
  });
  const logits = await service.engine.encode(texts, signal);
  return { scores: logits.map(([logit]) => sigmoid(logit!)), tokens: texts.reduce((sum, { ids }) => sum + ids.length, 0), truncated };
}

/** Query and document each for itself; a text that many pairs share is encoded once. */
async function apart(service: EncoderService, pairs: readonly Pair[], limits: RankLimits): Promise<Uint32Array[][]> {
  const texts = [...new Set(pairs.flatMap(({ query, document }) => [query, document]))];
  const encoded = await service.encodeAll(texts);
  const idsOf = new Map(texts.map((text, i) => [text, encoded[i]!]));
  return pairs.map(({ query, document }) => [idsOf.get(query)!, idsOf.get(document)!.subarray(0, limits.document)]);
}

/** Query and document in one text. */
async function joined(service: EncoderService, pairs: readonly Pair[], limits: RankLimits): Promise<Uint32Array[][]> {
  const join = service.frame.joins!;
  const whole = await service.encodeAll(pairs.map(({ query, document }) => join(query, document)));
  if (limits.document === undefined) return whole.map(ids => [ids]);
  const without = await service.encodeAll(pairs.map(({ query }) => join(query, "")));
  return whole.map((ids, i) => [ids.subarray(0, without[i]!.length + limits.document!)]);
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
