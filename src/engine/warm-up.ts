// GPU back ends compile kernels when they are first used. An engine reads and answers a short prompt before it says
// ready, alone and in a batch, so that no request pays for that.
import { Sequence } from "../scheduler/sequence.ts";
import { greedy } from "../sampling/greedy.ts";
import type { Runner } from "./runner.ts";

const PROMPT_LENGTHS = [1, 8, 64];
const STEPS = 3;

/** Runs the model over made-up prompts, greedy and sampled; leaves no row behind. */
export function warmUp(runner: Runner, contextLength: number): void {
  const lengths = PROMPT_LENGTHS.filter(length => length + STEPS < contextLength);
  const sequences = lengths.map((length, i) => {
    const sampling = { ...greedy, temperature: i % 2, topP: 0.9 };
    return new Sequence(
      { type: "submit", id: -1 - i, prompt: new Uint32Array(length), sampling, maxTokens: STEPS, minTokens: 0, stopIds: [] },
      contextLength,
    );
  });
  const joined: Sequence[] = [];
  for (const sequence of sequences) {
    runner.begin(sequence);
    run(runner, { chunks: [{ sequence, from: 0, to: sequence.request.prompt.length }], decode: joined });
    joined.push(sequence);
  }
  for (let step = 0; step < STEPS; step++) run(runner, { chunks: [], decode: joined });
  runner.dispatch({ chunks: [], decode: [] });
  runner.clearPrefixes();
}

function run(runner: Runner, plan: Parameters<Runner["dispatch"]>[0]): void {
  const pending = runner.dispatch(plan);
  if (pending === undefined) return;
  runner.complete(pending);
  runner.read(pending);
}
