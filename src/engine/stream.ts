// The rows of one sequence on their way from the engine's messages to the one who asked: a queue with an end.
import type { StepRow } from "./protocol.ts";

/**
 * Iterated once. Ends after the row with `finish` or throws what `fail` was given. An aborted signal, or leaving the
 * loop before the end, calls `abort` once and ends the iteration.
 */
export class SequenceStream implements AsyncIterable<StepRow>, AsyncIterator<StepRow, undefined> {
  private readonly rows: StepRow[] = [];
  private ended = false; // nothing more will be pushed
  private error: Error | undefined;
  private wake: (() => void) | undefined;

  constructor(
    private readonly signal: AbortSignal,
    private readonly abort: () => void,
  ) {
    if (signal.aborted) queueMicrotask(this.cancel);
    else signal.addEventListener("abort", this.cancel);
  }

  push(row: StepRow): void {
    if (this.ended) return;
    this.rows.push(row);
    if (row.finish !== undefined) this.end();
    this.wake?.();
  }

  fail(error: Error): void {
    if (this.ended) return;
    this.error = error;
    this.end();
    this.wake?.();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<StepRow, undefined>> {
    while (this.rows.length === 0 && !this.ended) {
      await new Promise<void>(resolve => (this.wake = resolve));
      this.wake = undefined;
    }
    const row = this.rows.shift();
    if (row !== undefined) return { done: false, value: row };
    if (this.error !== undefined) throw this.error;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<StepRow, undefined>> {
    this.cancel();
    return Promise.resolve({ done: true, value: undefined });
  }

  private readonly cancel = (): void => {
    if (this.ended) return;
    this.end();
    this.rows.length = 0;
    this.abort();
    this.wake?.();
  };

  private end(): void {
    this.ended = true;
    this.signal.removeEventListener("abort", this.cancel);
  }
}
