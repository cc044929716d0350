// What a terminal shows while an engine warms up.
import type { WarmingUp } from "../engine/protocol.ts";

/** One line per stage, and before the first one why it is worth waiting. */
export function tellWarmUp({ doing, stage, stages }: WarmingUp): void {
  if (stage === 1) console.error("warming up: what is compiled when it is first used is compiled now; the first time on a machine takes minutes");
  console.error(`warming up (${stage} of ${stages}): ${doing}`);
}
