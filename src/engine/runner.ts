// Carries out plans: has prompts read, runs the model over the rows that decode, draws ids. The only place where
// scheduling meets tensors.
//
// Nothing here waits for the device except `read`. A plan is dispatched while the one before is still computed: the ids
// that it continues from are the tensor of the last draw, not numbers that were read back. Where a grammar holds a row, the
// draw alone is put off until those ids are read: the mask is worked out while the device runs the model.
import type { PrefixStore } from "../kv/prefix-store.ts";
import type { BandSizes } from "../kv/band-sizes.ts";
import { KvBands } from "../kv/bands.ts";
import type { Model } from "../models/model.ts";
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import { sample } from "../sampling/sampler.ts";
import type { Plan } from "../scheduler/scheduler.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import { adapterRows, storedIds } from "./adapters.ts";
import { Grammars, maskOf } from "./grammars.ts";
import { drawnTensors, emptyPending, pendingDraw, readPending, tensorsOf, type Pending, type Row, type StepResult, type Waiting } from "./pending.ts";
import { PromptReader, type ReadRows } from "./prompts.ts";
import type { PrefixStats, Vocabulary } from "./protocol.ts";

/** A long answer is stored while it is written, each time its row has grown by so many tokens. */
const STORED_EVERY = 256;

export class Runner {
  private readonly grammars: Grammars;
  private readonly prompts: PromptReader;
  private rows: Row[] = []; // rows that decode; row i is row i of `kv` and of `lastIds`
  private lastIds: Tensor | undefined; // [B] uint32, kept
  private readonly kv: KvBands;
  private readonly outstanding = new Set<Pending>(); // dispatched and not read

  constructor(
    private readonly model: Model,
    private readonly prefixes?: PrefixStore,
    sizes?: BandSizes,
  ) {
    this.grammars = new Grammars(model.vocabSize);
    this.prompts = new PromptReader(model, prefixes, this.grammars, sizes);
    this.kv = new KvBands(sizes);
  }

  get prefixStats(): PrefixStats | undefined {
    return this.prefixes?.stats;
  }

  get prefixBytes(): number {
    return this.prefixes?.bytes ?? 0;
  }

  shrinkPrefixes(bytes: number): void {
    this.prefixes?.shrink(Math.max(0, this.prefixBytes - bytes));
  }

  clearPrefixes(): void {
    this.prefixes?.clear();
  }

  get kvBytes(): number {
    return this.prompts.bytes + this.kv.bytes;
  }

  get stateBytes(): number {
    return this.prompts.stateBytes + this.kv.stateBytes;
  }

  /** Gives back what the slabs of the rows have beyond what these need. */
  tighten(): void {
    mx.scope(() => this.kv.tighten());
  }

  /** What ids spell; must be known before a sequence with a grammar begins. */
  learn(vocabulary: Vocabulary): void {
    this.grammars.learn(vocabulary);
  }

  /** Takes an admitted sequence in; returns how many ids of its prompt come from stored prefixes. */
  begin(sequence: Sequence): number {
    return this.prompts.begin(sequence);
  }

  /** Gives up a sequence whose prompt is still being read; one that decodes leaves with the next plan. */
  forget(sequence: Sequence): void {
    this.prompts.forget(sequence);
  }

  /** Starts a plan on the device. Rows that the plan no longer decodes leave the batch first. */
  dispatch(plan: Plan): Pending | undefined {
    return mx.scope(() => {
      this.retain(plan.decode);
      if (plan.decode.length === 0 && plan.chunks.length === 0) return undefined;
      const pending = emptyPending();
      if (this.rows.length > 0) pending.waiting.push(this.decode());
      for (const ready of this.prompts.read(plan.chunks, pending)) pending.waiting.push(this.join(ready));
      if (!pending.waiting.some(({ rows }) => rows.some(row => row.matcher))) this.draw(pending);
      start(tensorsOf(pending));
      this.outstanding.add(pending);
      return pending;
    });
  }

  /** Draws what `dispatch` put off. The ids of all plans before must have been read. */
  complete(pending: Pending): void {
    if (pending.waiting.length === 0) return;
    const logits = pending.waiting.map(waiting => waiting.logits);
    mx.scope(() => {
      this.draw(pending);
      start(drawnTensors(pending.drawn));
    });
    logits.forEach(mx.release);
  }

  /** Waits for a dispatched and completed plan and takes its results off the device. */
  read(pending: Pending): StepResult {
    const result = readPending(pending);
    this.discard(pending);
    for (const { sequence, id } of result.drawn) this.grammars.accept(sequence, id);
    return result;
  }

  /** Gives everything back but stored prefixes, also after a failed dispatch. */
  reset(): void {
    this.prompts.reset();
    for (const row of this.rows) row.sampler.release();
    for (const pending of [...this.outstanding]) this.discard(pending);
    this.rows = [];
    this.kv.release();
    this.setLastIds(undefined);
  }

  private retain(decode: readonly Sequence[]): void {
    const staying = new Set(decode);
    const leaving = this.rows.flatMap(({ sequence }, i) => (staying.has(sequence) ? [] : [i]));
    for (const row of leaving) {
      this.rows[row]!.sampler.release();
      this.publishAnswer(row, true);
    }
    this.kv.lengths.forEach((length, row) => {
      if (length % STORED_EVERY === 0 && !leaving.includes(row)) this.publishAnswer(row, false);
    });
    const order = this.kv.settle(new Set(leaving));
    if (leaving.length === 0 && order.every((row, i) => row === i)) return;
    this.rows = order.map(row => this.rows[row]!);
    const next = order.length === 0 ? undefined : mx.take(this.lastIds!, mx.fromArray(Int32Array.from(order), [order.length]), 0);
    this.setLastIds(next);
  }

  /**
   * Stores what a row holds that leaves, so that the next turn of its chat finds it, also when a stop string or the client
   * ended it; now and then also while it stays, so that little is left to copy when it leaves. The last id's keys may not have
   * been computed.
   */
  private publishAnswer(row: number, partial: boolean): void {
    const { sequence } = this.rows[row]!;
    const { kv, row: place } = this.kv.find(row);
    const ids = sequence.ids().subarray(0, kv.lengths[place]);
    this.prefixes?.publish(kv, place, storedIds(sequence, ids, this.model.vocabSize), partial);
  }

  private decode(): Waiting {
    const count = this.rows.length;
    const batch = { ...this.kv.begin(), adapters: adapterRows(this.rows.map(row => row.sequence)) };
    const ids = mx.reshape(this.lastIds!, [count, 1]);
    const hidden = this.model.forward(this.model.embed(ids), batch, this.kv.layers, ids);
    return { rows: [...this.rows], logits: mx.reshape(this.model.logits(hidden), [count, this.model.vocabSize]) };
  }

  /** Rows whose prompts are read join those that decode. */
  private join({ rows, kv, logits }: ReadRows): Waiting {
    this.rows.push(...rows);
    this.kv.join(kv);
    return { rows, logits };
  }

  /** Draws an id for every row that waits: these are all rows, in their order. */
  private draw(pending: Pending): void {
    const ids = pending.waiting.splice(0).map(({ rows, logits }) => {
      for (const row of rows) if (row.matcher) this.setMask(row, pending);
      const sampled = sample(
        logits,
        rows.map(row => row.sampler),
      );
      pending.drawn.push(
        pendingDraw(
          rows.map(row => row.sequence),
          sampled,
        ),
      );
      return sampled.ids;
    });
    if (ids.length > 0) this.setLastIds(ids.length === 1 ? ids[0] : mx.concatenate(ids, 0));
  }

  private setMask({ sequence, sampler, matcher }: Row, pending: Pending): void {
    const mask = sequence.finish === undefined ? maskOf(matcher!, sampler.drawn < sequence.request.minTokens) : undefined;
    sampler.mask = mask instanceof Uint8Array ? mask : undefined;
    if (mask !== undefined && "failure" in mask) pending.stuck.push({ sequence, message: mask.failure });
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

/** Starts the evaluation of tensors that outlive this scope. */
function start(tensors: readonly Tensor[]): void {
  mx.asyncEvaluate(...tensors);
  tensors.forEach(mx.keep);
}
