// What a dispatched plan will have drawn and measured once the device is done with it.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { gatherLogprobs, pendingTensors, readLogprobs, type PendingLogprobs } from "../sampling/logprobs.ts";
import type { Sampled } from "../sampling/sampler.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import type { Matcher } from "../grammar/masks.ts";
import type { SamplerRow } from "../sampling/row.ts";
import type { TokenLogprob } from "./protocol.ts";

export interface Row {
  readonly sequence: Sequence;
  readonly sampler: SamplerRow;
  readonly matcher: Matcher | undefined; // what holds it to a grammar
}

/** Rows from whose logits [B, V] an id is to be drawn. */
export interface Waiting {
  readonly rows: readonly Row[];
  readonly logits: Tensor;
}

/** A sequence that its grammar cannot go on with. */
export interface Stuck {
  readonly sequence: Sequence;
  readonly message: string;
}

/** Its tensors are kept by the runner until they are read or given up. */
export interface Pending {
  readonly waiting: Waiting[]; // in the order of the rows; empty once their ids are drawn
  readonly drawn: PendingDraw[];
  readonly stuck: Stuck[];
  readonly prompts: PendingPrompt[];
  readonly fences: Tensor[]; // evaluated when the chunks that drew nothing are read
  readonly ended: Sequence[]; // sequences that draw nothing at all, and whose prompt is read with this plan
}

export interface PendingDraw {
  readonly sequences: readonly Sequence[]; // one per id
  readonly ids: Tensor; // [B] uint32
  readonly logprobs: PendingLogprobs | undefined;
}

export interface PendingPrompt {
  readonly sequence: Sequence;
  readonly ids: Uint32Array;
  readonly logprobs: PendingLogprobs;
}

export interface Drawn {
  readonly sequence: Sequence;
  readonly id: number;
  readonly logprob: TokenLogprob | undefined;
}

export interface StepResult {
  readonly drawn: readonly Drawn[];
  readonly promptLogprobs: readonly { readonly sequence: Sequence; readonly tokens: readonly TokenLogprob[] }[];
  readonly ended: readonly Sequence[];
  readonly stuck: readonly Stuck[];
}

export function emptyPending(): Pending {
  return { waiting: [], drawn: [], stuck: [], prompts: [], fences: [], ended: [] };
}

/** The ids that were drawn for these sequences, and their log-probabilities when one of them wants those. */
export function pendingDraw(sequences: readonly Sequence[], { ids, adjusted }: Sampled): PendingDraw {
  const wanted = sequences.flatMap(sequence => sequence.request.logprobs ?? []);
  const logprobs = wanted.length === 0 ? undefined : gatherLogprobs(adjusted, ids, Math.max(...wanted));
  return { sequences, ids: mx.reshape(ids, [sequences.length]), logprobs }; // a handle of its own
}

export function tensorsOf({ waiting, drawn, prompts, fences }: Pending): Tensor[] {
  return [...waiting.map(w => w.logits), ...drawnTensors(drawn), ...prompts.flatMap(p => pendingTensors(p.logprobs)), ...fences];
}

export function drawnTensors(drawn: readonly PendingDraw[]): Tensor[] {
  return drawn.flatMap(d => [d.ids, ...(d.logprobs ? pendingTensors(d.logprobs) : [])]);
}

/** Waits for the device and takes the results off it. */
export function readPending({ drawn, prompts, fences, ended, stuck }: Pending): StepResult {
  const known = drawn.flatMap(({ sequences, ids, logprobs }) => {
    const numbers = mx.toUint32(ids);
    const measured = logprobs === undefined ? undefined : readLogprobs(logprobs, numbers);
    return sequences.map((sequence, i) => ({ sequence, id: numbers[i]!, logprob: trimmed(measured?.[i], sequence.request.logprobs) }));
  });
  const promptLogprobs = prompts.map(p => ({ sequence: p.sequence, tokens: readLogprobs(p.logprobs, p.ids) }));
  if (fences.length > 0) mx.evaluate(...fences);
  return { drawn: known, promptLogprobs, ended, stuck };
}

/** The batch is measured with the most alternatives that any row wants; each row gets as many as it asked for. */
function trimmed(measured: TokenLogprob | undefined, wanted: number | undefined): TokenLogprob | undefined {
  if (measured === undefined || wanted === undefined) return undefined;
  return { ...measured, top: measured.top.slice(0, wanted) };
}
