// What sampling remembers of one row between steps. The record moves with its row.
import * as mx from "../mx/index.ts";
import type { Tensor } from "../mx/index.ts";
import type { Sampling, ThinkingBudget } from "../engine/protocol.ts";
import { ThinkingRow } from "./thinking.ts";

export interface RowOptions {
  readonly sampling: Sampling;
  readonly minTokens: number;
  readonly stopIds: readonly number[];
  readonly logprobs: number | undefined;
  readonly thinking?: ThinkingBudget | undefined;
}

/** Penalties count on the device, so that a step never waits for the ids of the one before. */
export class SamplerRow {
  /** Tokens drawn so far: the index of the next random number, and what minTokens is compared with. */
  drawn: number;
  readonly thinking: ThinkingRow | undefined;
  /** Of the next draw: 1 for each id that may be drawn. It alone decides about stop ids. */
  mask: Uint8Array | undefined;
  private counts: Tensor | undefined; // [V] float32: how often each id was drawn
  private seen: Tensor | undefined; // [V] float32: 1 where an id stands in prompt or answer
  private bias: Tensor | undefined; // [V] float32
  private stopBan: Tensor | undefined; // [V] float32: -inf at the stop ids

  constructor(
    readonly options: RowOptions,
    private readonly vocabSize: number,
    prompt: Uint32Array,
    answer: readonly number[] = [], // what was drawn before the row was made again
  ) {
    this.drawn = answer.length;
    const { sampling, minTokens, stopIds, thinking } = options;
    this.thinking = thinking && new ThinkingRow(thinking, answer);
    if (sampling.frequencyPenalty !== 0 || sampling.presencePenalty !== 0) this.counts = this.vector(v => answer.forEach(id => (v[id] = v[id]! + 1)));
    if (sampling.repetitionPenalty !== 1) this.seen = this.vector(v => [prompt, answer].forEach(ids => ids.forEach(id => (v[id] = 1))));
    if (sampling.logitBias.length > 0) this.bias = this.vector(v => sampling.logitBias.forEach(([id, bias]) => (v[id] = v[id]! + bias)));
    if (minTokens > 0 && stopIds.length > 0) this.stopBan = this.vector(v => stopIds.forEach(id => (v[id] = -Infinity)));
  }

  get greedy(): boolean {
    return this.options.sampling.temperature === 0;
  }

  /** Whether this row's logits are changed before the choice. */
  get adjusts(): boolean {
    return this.counts !== undefined || this.seen !== undefined || this.bias !== undefined || this.bansStops || this.mask !== undefined;
  }

  private get bansStops(): boolean {
    return this.stopBan !== undefined && this.mask === undefined && this.drawn < this.options.minTokens;
  }

  /** logits [1, V] float32 after repetition, frequency and presence penalty, bias, and what mask and stop ids rule out. */
  adjust(logits: Tensor): Tensor {
    const { repetitionPenalty, frequencyPenalty, presencePenalty } = this.options.sampling;
    let adjusted = logits;
    if (this.seen !== undefined) {
      const penalty = mx.scalar(repetitionPenalty);
      const penalized = mx.where(mx.greater(adjusted, mx.scalar(0)), mx.divide(adjusted, penalty), mx.multiply(adjusted, penalty));
      adjusted = mx.where(mx.greater(this.seen, mx.scalar(0)), penalized, adjusted);
    }
    if (this.counts !== undefined) {
      const presence = mx.multiply(mx.astype(mx.greater(this.counts, mx.scalar(0)), "float32"), mx.scalar(presencePenalty));
      adjusted = mx.subtract(adjusted, mx.add(mx.multiply(this.counts, mx.scalar(frequencyPenalty)), presence));
    }
    if (this.bias !== undefined) adjusted = mx.add(adjusted, this.bias);
    if (this.mask !== undefined) {
      const allowed = mx.fromArray(this.mask, [1, this.vocabSize], "bool");
      adjusted = mx.where(allowed, adjusted, mx.scalar(-Infinity));
    }
    return this.bansStops ? mx.add(adjusted, this.stopBan!) : adjusted;
  }

  /** Takes note of a drawn id, [1] uint32, which may not be evaluated yet. */
  record(id: () => Tensor): void {
    this.drawn += 1;
    const mark = (old: Tensor, write: typeof mx.scatter): Tensor => replaced(old, held => write(held, [id()], mx.ones([1, 1], "float32"), [0]));
    if (this.counts !== undefined) this.counts = mark(this.counts, mx.scatterAdd);
    if (this.seen !== undefined) this.seen = mark(this.seen, mx.scatter);
  }

  release(): void {
    this.thinking?.release();
    for (const t of [this.counts, this.seen, this.bias, this.stopBan]) if (t !== undefined) mx.release(t);
    this.counts = this.seen = this.bias = this.stopBan = undefined;
  }

  private vector(fill: (values: Float32Array) => void): Tensor {
    const values = new Float32Array(this.vocabSize);
    fill(values);
    return mx.scope(() => mx.keep(mx.fromArray(values, [this.vocabSize])));
  }
}

function replaced(old: Tensor, next: (old: Tensor) => Tensor): Tensor {
  const made = mx.keep(next(old));
  mx.release(old);
  return made;
}
