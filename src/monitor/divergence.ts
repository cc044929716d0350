// Whether batches change answers: now and then an answer that was written among others is written again alone, and compared.

import type { DivergenceReport } from "../engine/protocol.ts";
import { agreement } from "../util/agreement.ts";

export interface DivergenceOptions {
  readonly intervalMs: number; // between two comparisons
  readonly threshold: number; // share of equal tokens below which it warns
  readonly action: "warn" | "serialize";
  readonly log: (line: string) => void;
}

export class Divergence {
  private samples = 0;
  private checkedAt: number | undefined;
  private agreement: number | undefined;
  private exact: boolean | undefined;
  private error: string | undefined;

  constructor(private readonly options: DivergenceOptions) {}

  /** Whether an answer may be compared again: at once after the start, then once per interval. */
  due(now: number): boolean {
    return this.checkedAt === undefined || now - this.checkedAt >= this.options.intervalMs;
  }

  record(batched: readonly number[], alone: readonly number[], now: number): void {
    const before = this.status;
    this.samples += 1;
    this.checkedAt = now;
    this.error = undefined;
    this.agreement = agreement(batched, alone);
    this.exact = this.agreement === 1;
    if (this.status === before) return;
    const share = `${(this.agreement * 100).toFixed(1)} % of an answer's tokens were the same alone as in a batch`;
    if (this.status === "warning")
      this.options.log(`divergence: ${share}${this.options.action === "serialize" ? "; requests run one at a time now" : ""}`);
    else if (before === "warning") this.options.log(`divergence: ${share}; all is well again`);
  }

  /** A comparison that could not be made. */
  fail(error: string, now: number): void {
    this.checkedAt = now;
    if (this.error === undefined) this.options.log(`divergence: an answer could not be written again: ${error}`);
    this.error = error;
  }

  /**
   * Whether requests must run one at a time now. After an interval of that they may meet again, so that there is something to
   * compare: without a batch no answer could show that all is well again.
   */
  serializes(now: number): boolean {
    return this.status === "warning" && this.options.action === "serialize" && !this.due(now);
  }

  report(now: number): DivergenceReport {
    const { status, samples, checkedAt, agreement, exact, error } = this;
    const { threshold, action } = this.options;
    return { status, threshold, action, samples, serializes: this.serializes(now), checkedAt, agreement, exact, error };
  }

  private get status(): DivergenceReport["status"] {
    if (this.error !== undefined) return "warning";
    if (this.agreement === undefined) return "unknown";
    return this.agreement < this.options.threshold ? "warning" : "pass";
  }
}
