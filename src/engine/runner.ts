// Carries out plans: reads prompts, runs the model over the rows that decode, draws ids. The only place where
// scheduling meets tensors.
//
// Nothing here waits for the device except `read`. A plan is dispatched while the one before is still computed: the ids
// that it continues from are the tensor of the last draw, not numbers that were read back.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { PrefixStore } from "../kv/prefix-store.ts";
import { KvRows } from "../kv/rows.ts";
import type { Model } from "../models/model.ts";
import { gatherLogprobs, pendingTensors, readLogprobs, type PendingLogprobs } from "../sampling/logprobs.ts";
import { SamplerRow } from "../sampling/row.ts";
import { sample, type Sampled } from "../sampling/sampler.ts";
import type { Chunk, Plan } from "../scheduler/scheduler.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import type { PrefixStats, TokenLogprob } from "./protocol.ts";

/** What one dispatched plan will have drawn and measured. Owns its tensors until `read`. */
export interface Pending {
  readonly drawn: PendingDraw[];
  readonly prompts: PendingPrompt[];
  readonly fences: Tensor[]; // evaluated when the chunks that drew nothing are read
  readonly ended: Sequence[]; // sequences that draw nothing at all, and whose prompt is read with this plan
}

interface PendingDraw {
  readonly sequences: readonly Sequence[]; // one per id
  readonly ids: Tensor;
  readonly logprobs: PendingLogprobs | undefined;
}

interface PendingPrompt {
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
}

/** Prompt log-probabilities need logits at every position; this many at a time bounds their memory. */
const LOGIT_POSITIONS = 64;

interface Row {
  readonly sequence: Sequence;
  readonly sampler: SamplerRow;
  kv: KvRows | undefined; // its own while the prompt is read, then joined into the batch's
}

export class Runner {
  private readonly reading = new Map<Sequence, Row>(); // rows whose prompt is not read to its end
  private rows: Row[] = []; // rows that decode; row i is row i of `kv` and of `lastIds`
  private lastIds: Tensor | undefined; // [B] uint32, kept
  private readonly kv: KvRows;
  private readonly outstanding = new Set<Pending>(); // dispatched and not read

  constructor(
    private readonly model: Model,
    private readonly prefixes?: PrefixStore,
  ) {
    this.kv = new KvRows(model.layout);
  }

  get prefixStats(): PrefixStats | undefined {
    return this.prefixes?.stats;
  }

  clearPrefixes(): void {
    this.prefixes?.clear();
  }

  /** Takes an admitted sequence in; returns how many ids of its prompt come from stored prefixes. */
  begin(sequence: Sequence): number {
    const { sampling, minTokens, stopIds, logprobs, promptLogprobs, prompt } = sequence.request;
    const kv = new KvRows(this.model.layout);
    const row = { sequence, sampler: new SamplerRow({ sampling, minTokens, stopIds, logprobs }, this.model.vocabSize, prompt), kv };
    this.reading.set(sequence, row);
    kv.addRow();
    if (this.prefixes === undefined || promptLogprobs !== undefined) return 0; // the latter need every position's logits
    return mx.scope(() => this.prefixes!.restore(kv, prompt));
  }

  /** Starts a plan on the device. Rows that the plan no longer decodes leave the batch first. */
  dispatch(plan: Plan): Pending | undefined {
    return mx.scope(() => {
      this.retain(plan.decode);
      if (plan.decode.length === 0 && plan.chunks.length === 0) return undefined;
      const pending: Pending = { drawn: [], prompts: [], fences: [], ended: [] };
      if (this.rows.length > 0) pending.drawn.push(this.decode());
      for (const chunk of plan.chunks) this.readChunk(chunk, pending);
      const results = tensorsOf(pending);
      mx.asyncEvaluate(...results);
      results.forEach(mx.keep);
      this.outstanding.add(pending);
      return pending;
    });
  }

  /** Waits for a dispatched plan and takes its results off the device. */
  read(pending: Pending): StepResult {
    const drawn = pending.drawn.flatMap(({ sequences, ids, logprobs }) => {
      const known = mx.toUint32(ids);
      const measured = logprobs === undefined ? undefined : readLogprobs(logprobs, known);
      return sequences.map((sequence, i) => ({ sequence, id: known[i]!, logprob: trimmed(measured?.[i], sequence.request.logprobs) }));
    });
    const promptLogprobs = pending.prompts.map(p => ({ sequence: p.sequence, tokens: readLogprobs(p.logprobs, p.ids) }));
    if (pending.fences.length > 0) mx.evaluate(...pending.fences);
    this.discard(pending);
    return { drawn, promptLogprobs, ended: pending.ended };
  }

  /** Gives up a sequence whose prompt is still being read; one that decodes leaves with the next plan. */
  forget(sequence: Sequence): void {
    const row = this.reading.get(sequence);
    if (row === undefined) return;
    this.reading.delete(sequence);
    row.kv?.release();
    row.sampler.release();
  }

  /** Gives everything back, also after a failed dispatch. */
  reset(): void {
    for (const sequence of [...this.reading.keys()]) this.forget(sequence);
    for (const row of this.rows) row.sampler.release();
    for (const pending of [...this.outstanding]) this.discard(pending);
    this.rows = [];
    this.kv.release();
    this.setLastIds(undefined);
  }

  get kvBytes(): number {
    return [...this.reading.values()].reduce((sum, row) => sum + (row.kv?.bytes ?? 0), this.kv.bytes);
  }

  private retain(decode: readonly Sequence[]): void {
    const staying = new Set(decode);
    const order = this.rows.map((_, i) => i);
    for (let i = this.rows.length - 1; i >= 0; i--) {
      if (staying.has(this.rows[i]!.sequence)) continue;
      this.rows[i]!.sampler.release();
      this.publishAnswer(i);
      this.kv.remove(i);
      const [lastRow, lastPlace] = [this.rows.pop()!, order.pop()!];
      if (i < this.rows.length) [this.rows[i], order[i]] = [lastRow, lastPlace];
    }
    if (this.lastIds === undefined || order.length === mx.size(this.lastIds)) return;
    const next = order.length === 0 ? undefined : mx.take(this.lastIds, mx.fromArray(Int32Array.from(order), [order.length]), 0);
    this.setLastIds(next);
  }

  /** Stores what a finished row holds, so that the next turn of its chat finds it. The last id's keys were never computed. */
  private publishAnswer(row: number): void {
    const { sequence } = this.rows[row]!;
    if (sequence.finish !== "abort") this.prefixes?.publish(this.kv, row, sequence.ids().subarray(0, -1));
  }

  private decode(): PendingDraw {
    const count = this.rows.length;
    const batch = this.kv.begin(1);
    const hidden = this.model.forward(this.model.embed(mx.reshape(this.lastIds!, [count, 1])), batch, this.kv.layers);
    const logits = mx.reshape(this.model.logits(hidden), [count, this.model.vocabSize]);
    const sampled = sample(
      logits,
      this.rows.map(row => row.sampler),
    );
    this.setLastIds(sampled.ids);
    return pendingDraw(
      this.rows.map(row => row.sequence),
      sampled,
    );
  }

  private readChunk({ sequence, from, to }: Chunk, pending: Pending): void {
    const row = this.reading.get(sequence)!;
    const { prompt, promptLogprobs } = sequence.request;
    const batch = row.kv!.begin(to - from);
    const ids = mx.fromArray(prompt.subarray(from, to), [1, to - from]);
    const hidden = this.model.forward(this.model.embed(ids), batch, row.kv!.layers);
    if (promptLogprobs !== undefined) pending.prompts.push(...this.measurePrompt(sequence, hidden, from, to, promptLogprobs));
    if (to === prompt.length && sequence.limit > 0) {
      pending.drawn.push(this.drawFirst(row, mx.sliceAxis(hidden, 1, to - from - 1, to - from)));
      return;
    }
    pending.fences.push(row.kv!.fence());
    if (to < prompt.length) return;
    pending.ended.push(sequence);
    this.forget(sequence);
  }

  /** Draws the first id of a sequence whose prompt is read, and lets it join the rows that decode. */
  private drawFirst(row: Row, hidden: Tensor): PendingDraw {
    const logits = mx.reshape(this.model.logits(hidden), [1, this.model.vocabSize]);
    const sampled = sample(logits, [row.sampler]);
    this.prefixes?.publish(row.kv!, 0, row.sequence.request.prompt);
    this.kv.join(row.kv!);
    row.kv = undefined;
    this.reading.delete(row.sequence);
    this.rows.push(row);
    this.setLastIds(this.lastIds === undefined ? sampled.ids : mx.concatenate([this.lastIds, sampled.ids], 0));
    return pendingDraw([row.sequence], sampled);
  }

  /** Log-probabilities of the prompt ids from + 1 … to that follow the positions of one chunk. */
  private measurePrompt(sequence: Sequence, hidden: Tensor, from: number, to: number, top: number): PendingPrompt[] {
    const { prompt } = sequence.request;
    const made: PendingPrompt[] = [];
    const end = Math.min(to, prompt.length - 1);
    for (let at = from; at < end; at += LOGIT_POSITIONS) {
      const stop = Math.min(at + LOGIT_POSITIONS, end);
      const part = mx.sliceAxis(hidden, 1, at - from, stop - from);
      const logits = mx.reshape(this.model.logits(part), [stop - at, this.model.vocabSize]);
      const ids = prompt.slice(at + 1, stop + 1);
      made.push({ sequence, ids, logprobs: gatherLogprobs(logits, mx.fromArray(ids, [ids.length]), top) });
    }
    return made;
  }

  private discard(pending: Pending): void {
    tensorsOf(pending).forEach(mx.release);
    this.outstanding.delete(pending);
  }

  private setLastIds(ids: Tensor | undefined): void {
    const old = this.lastIds;
    this.lastIds = ids === undefined ? undefined : mx.keep(mx.reshape(ids, [mx.size(ids)])); // a handle of its own
    if (old !== undefined) mx.release(old);
  }
}

function pendingDraw(sequences: readonly Sequence[], { ids, adjusted }: Sampled): PendingDraw {
  const wanted = sequences.flatMap(sequence => sequence.request.logprobs ?? []);
  const logprobs = wanted.length === 0 ? undefined : gatherLogprobs(adjusted, ids, Math.max(...wanted));
  return { sequences, ids: mx.reshape(ids, [sequences.length]), logprobs }; // a handle of its own
}

function tensorsOf({ drawn, prompts, fences }: Pending): Tensor[] {
  return [
    ...drawn.flatMap(d => [d.ids, ...(d.logprobs ? pendingTensors(d.logprobs) : [])]),
    ...prompts.flatMap(p => pendingTensors(p.logprobs)),
    ...fences,
  ];
}

/** The batch is measured with the most alternatives that any row wants; each row gets as many as it asked for. */
function trimmed(measured: TokenLogprob | undefined, wanted: number | undefined): TokenLogprob | undefined {
  if (measured === undefined || wanted === undefined) return undefined;
  return { ...measured, top: measured.top.slice(0, wanted) };
}
