// Answers that go round in circles are ended. Looks at the last ids only, so that it costs the same however long an answer is.
import type { RepetitionPolicy } from "../engine/protocol.ts";

interface Rule {
  readonly run: number; // equal ids in a row
  readonly patterns: readonly number[]; // lengths of patterns of ids
  readonly times: number; // that a pattern stands in a row
}

const rules: Record<RepetitionPolicy, Rule> = {
  safe: { run: 8, patterns: [2, 3, 4], times: 6 },
  strict: { run: 4, patterns: [2, 3, 4, 5, 6], times: 4 },
};

/** What an answer's end repeats: "single_token_run" or "pattern_loop_len_N"; undefined when it does not. */
export function findRepetition(answer: readonly number[], policy: RepetitionPolicy): string | undefined {
  const { run, patterns, times } = rules[policy];
  if (repeats(answer, 1, run)) return "single_token_run";
  const length = patterns.find(pattern => repeats(answer, pattern, times));
  return length === undefined ? undefined : `pattern_loop_len_${length}`;
}

/** Whether the last `times` runs of `length` ids are equal. */
function repeats(answer: readonly number[], length: number, times: number): boolean {
  const start = answer.length - length * times;
  if (start < 0) return false;
  for (let at = start + length; at < answer.length; at++) if (answer[at] !== answer[at - length]) return false;
  return true;
}
