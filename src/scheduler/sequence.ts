// One sequence's bookkeeping: what was asked, how far its prompt is read, what was drawn. No tensors.
import type { FinishReason, Submit } from "../engine/protocol.ts";

/**
 *   prompt ids   │ read into kv ……………│ still to read ………│
 *                0                    read                prompt.length
 *   answer ids   │ known ………………│ drawn, not yet read back │
 *                0               answer.length     answer.length + inFlight
 */
export class Sequence {
  readonly answer: number[] = [];
  read = 0;
  cached = 0; // prompt ids that were taken from stored prefixes
  inFlight = 0;
  finish: FinishReason | undefined;

  constructor(
    readonly request: Submit,
    readonly contextLength: number,
  ) {}

  get id(): number {
    return this.request.id;
  }

  get promptRead(): boolean {
    return this.read === this.request.prompt.length;
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
    return true;
  }
}
