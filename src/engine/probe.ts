// Writes an answer again alone: in a batch of its own, beside the steps of the others and without stored prefixes.
import { Scheduler } from "../scheduler/scheduler.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import type { StepRunner } from "./step-runner.ts";

const MOST_IDS = 64; // of an answer
const LONGEST_PROMPT = 4096;

/** What is compared: an answer that was written among others. */
export interface Comparison {
  readonly batched: readonly number[];
  readonly alone: readonly number[];
}

export class Probe {
  private readonly scheduler: Scheduler;
  private readonly again: Sequence;

  constructor(
    private readonly runner: StepRunner,
    private readonly sample: Sequence,
  ) {
    const { request, contextLength } = sample;
    this.scheduler = new Scheduler({ maxRows: 1, maxQueue: 0, prefillChunk: LONGEST_PROMPT, contextLength }, runner);
    const maxTokens = Math.min(MOST_IDS, sample.answer.length);
    this.again = this.scheduler.add({ ...request, maxTokens })!;
  }

  /** One step; the comparison once the answer is written. */
  step(chunk: number | undefined): Comparison | undefined {
    const pending = this.runner.dispatch(this.scheduler.schedule(chunk));
    if (pending !== undefined) {
      this.runner.complete(pending);
      for (const { sequence, id } of this.runner.read(pending).drawn) sequence.record(id);
    }
    if (this.again.finish === undefined) return undefined;
    this.close();
    return { batched: this.sample.answer.slice(0, MOST_IDS), alone: this.again.answer };
  }

  close(): void {
    this.runner.reset();
  }
}

/** Whether an answer can be compared: it was written in company, to its end, and does not cost much to write again. */
export function canBeCompared({ company, finish, answer, request }: Sequence): boolean {
  const whole = finish === "stop" || finish === "length";
  return company && whole && answer.length > 0 && request.promptLogprobs === undefined && !request.grammar && request.prompt.length <= LONGEST_PROMPT;
}
