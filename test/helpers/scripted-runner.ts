// A runner without a device: its ids show whose they are and that none was lost.
import type { StepRunner } from "../../src/engine/step-runner.ts";
import type { Pending, StepResult } from "../../src/engine/pending.ts";
import type { Plan } from "../../src/scheduler/scheduler.ts";
import type { Sequence } from "../../src/scheduler/sequence.ts";

/** Draws `id + position` for every sequence, so that an answer shows whose it is and that nothing was lost. */
export class ScriptedRunner implements StepRunner {
  forgotten: number[] = [];
  resets = 0;
  widest = 0; // most rows that drew together
  prefixStats = undefined;
  failAt: number | undefined;
  draw = (sequence: Sequence, place: number): number => sequence.id + place;
  private dispatched = 0;
  private readonly drawnOf = new Map<Sequence, number>();
  private readonly results = new Map<Pending, StepResult>();

  dispatch(plan: Plan): Pending | undefined {
    if (plan.chunks.length === 0 && plan.decode.length === 0) return undefined;
    if (++this.dispatched === this.failAt) throw new Error("the device gave up");
    const ending = plan.chunks.filter(c => c.to === c.sequence.source.length).map(c => c.sequence);
    this.widest = Math.max(this.widest, plan.decode.length);
    const drawing = [...plan.decode, ...ending.filter(sequence => sequence.limit > 0)];
    const pending = { waiting: [], drawn: [], stuck: [], prompts: [], fences: [], ended: [] };
    const drawn = drawing.map(sequence => {
      const place = this.drawnOf.get(sequence) ?? 0;
      this.drawnOf.set(sequence, place + 1);
      return { sequence, id: this.draw(sequence, place), logprob: undefined };
    });
    this.results.set(pending, { drawn, promptLogprobs: [], ended: ending.filter(sequence => sequence.limit === 0), stuck: [] });
    return pending;
  }
  read(pending: Pending): StepResult {
    return this.results.get(pending)!;
  }
  begin(): number {
    return 0;
  }
  forget(sequence: Sequence): void {
    this.forgotten.push(sequence.id);
  }
  clearPrefixes(): void {}
  complete(): void {}
  learn(): void {}
  reset(): void {
    this.resets += 1;
  }
}
