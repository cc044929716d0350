// What an engine watches about itself while it runs: memory pressure, answers that batches change, answers that repeat.
import type { Divergence } from "../monitor/divergence.ts";
import type { Pressure } from "../monitor/pressure.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import { canBeCompared, Probe } from "./probe.ts";
import type { RepetitionStats } from "./protocol.ts";
import type { StepRunner } from "./step-runner.ts";
import { messageOf } from "../util/message-of.ts";

export interface WatchOptions {
  readonly pressure?: { readonly monitor: Pressure; readonly intervalMs: number; readonly activeBytes: () => number };
  /** `alone`: a runner of the same model without stored prefixes, whose rows are never those of the engine. */
  readonly divergence?: { readonly monitor: Divergence; readonly alone: StepRunner };
}

export class Watch {
  private polledAt = -Infinity;
  private probe: Probe | undefined;
  private readonly byMode: Record<string, number> = {};
  private readonly byTrigger: Record<string, number> = {};
  private total = 0;
  private tokensSaved = 0;

  constructor(private readonly options: WatchOptions) {}

  /** Looks at memory if it is time. */
  poll(now: number): void {
    const { pressure } = this.options;
    if (pressure === undefined || now - this.polledAt < pressure.intervalMs) return;
    this.polledAt = now;
    pressure.monitor.poll(pressure.activeBytes());
  }

  /** Looks at memory again after something was given back. */
  pollAgain(): void {
    this.options.pressure?.monitor.poll(this.options.pressure.activeBytes());
  }

  get pressure(): Pressure | undefined {
    return this.options.pressure?.monitor;
  }

  get divergence(): Divergence | undefined {
    return this.options.divergence?.monitor;
  }

  /** Whether an answer is being written again. */
  get probing(): boolean {
    return this.probe !== undefined;
  }

  /** Whether requests must run one at a time. */
  get serializes(): boolean {
    return this.divergence?.serializes(Date.now()) ?? false;
  }

  ended(sequence: Sequence): void {
    const { repetition, request, limit, answer } = sequence;
    if (repetition !== undefined) {
      const mode = request.repetition!;
      this.total += 1;
      this.byMode[mode] = (this.byMode[mode] ?? 0) + 1;
      this.byTrigger[repetition] = (this.byTrigger[repetition] ?? 0) + 1;
      this.tokensSaved += limit - answer.length;
    }
    const { divergence } = this.options;
    if (divergence === undefined || this.probe !== undefined || !canBeCompared(sequence) || !divergence.monitor.due(Date.now())) return;
    this.probe = new Probe(divergence.alone, sequence);
  }

  /** One step of the answer that is written again, if there is one. What goes wrong is told and ends nothing else. */
  step(chunk: number | undefined): void {
    if (this.probe === undefined) return;
    const monitor = this.divergence!;
    try {
      const comparison = this.probe.step(chunk);
      if (comparison === undefined) return;
      monitor.record(comparison.batched, comparison.alone, Date.now());
    } catch (error) {
      this.probe.close();
      monitor.fail(messageOf(error), Date.now());
    }
    this.probe = undefined;
  }

  /** Gives up what is being written again. */
  close(): void {
    this.probe?.close();
    this.probe = undefined;
  }

  get repetitions(): RepetitionStats {
    const { total, byMode, byTrigger, tokensSaved } = this;
    return { total, byMode: { ...byMode }, byTrigger: { ...byTrigger }, tokensSaved };
  }
}
