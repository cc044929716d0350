// One sequence's bookkeeping: what was asked, how far it is read, what was drawn. No tensors.
import type { FinishReason, PrefixDiagnosis, Submit } from "../engine/protocol.ts";
import { findRepetition } from "./repetition.ts";

/**
 *   source ids   │ read into kv ……………│ still to read ………│      the prompt; after a preemption also the answer so far
 *                0                    read                source.length
 *   answer ids   │ known ………………│ drawn, not yet read back │
 *                0               answer.length     answer.length + inFlight
 */
export class Sequence {
  readonly answer: number[] = [];
  source: Uint32Array;
  read = 0;
  cached = 0; // source ids that were taken from stored prefixes
  prefix: PrefixDiagnosis | undefined; // when asked for
  inFlight = 0;
  finish: FinishReason | undefined;
  repetition: string | undefined; // what the answer repeated, when that ended it
  arrivedAt = 0; // ms, like all times here: kept by the loop, which has a clock
  firstIdAt: number | undefined;
  running = false; // has a row
  company = false; // whether some id was drawn together with others

  constructor(
    readonly request: Submit,
    readonly contextLength: number,
    readonly arrival = 0, // a later one has a higher number
  ) {
    this.source = request.prompt;
  }

  get id(): number {
    return this.request.id;
  }

  get client(): string {
    return this.request.client ?? "";
  }

  /** Which low-rank adapter its rows go through; 0 is none. */
  get adapter(): number {
    return this.request.adapter ?? 0;
  }

  /** Lower is more urgent. */
  get priority(): number {
    return this.request.priority ?? 0;
  }

  /** Whether all is read that the next id follows from. */
  get promptRead(): boolean {
    return this.read === this.source.length;
  }

  /** Ids that this sequence may have at most: what was asked for and what fits. */
  get limit(): number {
    return Math.min(this.request.maxTokens, this.contextLength - this.request.prompt.length);
  }

  /** Prompt and known answer in one. */
  ids(): Uint32Array {
    const { prompt } = this.request;
    const ids = new Uint32Array(prompt.length + this.answer.length);
    ids.set(prompt);
    ids.set(this.answer, prompt.length);
    return ids;
  }

  /** Whether the log-probabilities of the prompt are still to be measured: a prompt is measured once, before the first id is drawn. */
  get measuresPrompt(): boolean {
    return this.request.promptLogprobs !== undefined && this.answer.length === 0;
  }

  /** Starts to read, or after a preemption to read again, all ids that are known. None may be in flight. */
  begin(): void {
    this.source = this.answer.length === 0 ? this.request.prompt : this.ids();
    this.read = this.cached = 0;
  }

  /** Whether the row can be given up and made again. */
  get preemptable(): boolean {
    return this.finish === undefined && this.limit > 0 && (this.promptRead || !this.measuresPrompt);
  }

  /** Whether one more id may be drawn, counting those that are drawn but not known yet. */
  get wantsMore(): boolean {
    return this.finish === undefined && this.answer.length + this.inFlight < this.limit;
  }

  /** Takes note of a drawn id that has become known. Ids after the end are dropped: false. */
  record(id: number): boolean {
    this.inFlight -= 1;
    if (this.finish !== undefined) return false;
    this.answer.push(id);
    if (this.request.stopIds.includes(id)) this.finish = "stop";
    else if (this.answer.length === this.limit) this.finish = "length";
    else this.stopRepetition();
    return true;
  }

  private stopRepetition(): void {
    const { repetition, minTokens } = this.request;
    if (repetition === undefined || repetition === "off" || this.answer.length < minTokens) return;
    this.repetition = findRepetition(this.answer, repetition);
    if (this.repetition !== undefined) this.finish = "stop";
  }
}
