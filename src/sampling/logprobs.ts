// Log-probabilities for clients that ask for them: of the drawn id and of the likeliest alternatives.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { TokenLogprob } from "../engine/protocol.ts";

/** Not yet evaluated; read with readLogprobs. */
export interface PendingLogprobs {
  readonly chosen: Tensor; // [N] float32
  readonly topIds: Tensor | undefined; // [N, top] uint32, likeliest first
  readonly topValues: Tensor | undefined; // [N, top] float32
}

/** For logits [N, V] and the ids [N] that follow them. */
export function gatherLogprobs(logits: Tensor, ids: Tensor, top: number): PendingLogprobs {
  const logprobs = mx.subtract(logits, mx.logsumexp(logits, -1, true));
  const chosen = mx.squeeze(mx.takeAlongAxis(logprobs, mx.expandDims(ids, 1), -1), [1]);
  if (top === 0) return { chosen, topIds: undefined, topValues: undefined };
  const order = mx.sliceAxis(mx.argsort(mx.negative(logprobs), -1), -1, 0, top);
  return { chosen, topIds: order, topValues: mx.takeAlongAxis(logprobs, order, -1) };
}

export function pendingTensors(pending: PendingLogprobs): Tensor[] {
  return [pending.chosen, pending.topIds, pending.topValues].filter(t => t !== undefined);
}

/** Waits for the evaluation. `ids` are those that gatherLogprobs was given. */
export function readLogprobs(pending: PendingLogprobs, ids: Uint32Array): TokenLogprob[] {
  const chosen = mx.toFloat32(pending.chosen);
  const topIds = pending.topIds === undefined ? new Uint32Array() : mx.toUint32(pending.topIds);
  const topValues = pending.topValues === undefined ? new Float32Array() : mx.toFloat32(pending.topValues);
  const width = topIds.length / chosen.length;
  return Array.from(ids, (id, i) => ({
    id,
    logprob: chosen[i]!,
    top: Array.from({ length: width }, (_, j) => [topIds[i * width + j]!, topValues[i * width + j]!] as const),
  }));
}
