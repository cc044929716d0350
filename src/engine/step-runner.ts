// What the loop, and whatever else takes steps, needs of the runner: tensors stay behind it.
import type { Plan } from "../scheduler/scheduler.ts";
import type { Sequence } from "../scheduler/sequence.ts";
import type { Pending, StepResult } from "./pending.ts";
import type { PrefixStats, Vocabulary } from "./protocol.ts";

export interface StepRunner {
  begin(sequence: Sequence): number;
  dispatch(plan: Plan): Pending | undefined;
  complete(pending: Pending): void;
  read(pending: Pending): StepResult;
  learn(vocabulary: Vocabulary): void;
  forget(sequence: Sequence): void;
  reset(): void;
  clearPrefixes(): void;
  readonly prefixStats: PrefixStats | undefined;
}
