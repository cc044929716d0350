// What a warm-up goes through: prompts of all sizes, alone and together, and answers at all widths, drawn in all ways. Kernels are chosen by
// the number of ids or rows in a step, mostly at powers of two; so sizes are doubled from stage to stage. Pure.
import type { Submit, WarmUpOption } from "./protocol.ts";
import { greedy } from "../sampling/greedy.ts";

export interface WarmUpLimits {
  readonly contextLength: number;
  readonly prefillStep: number; // most prompt ids read in a step
  readonly maxRows: number;
  readonly fits: (lengths: readonly number[]) => boolean; // whether rows of these lengths have room together
}

export type WarmRequest = Pick<Submit, "prompt" | "sampling" | "maxTokens"> & Partial<Submit>;

export interface WarmUpStage {
  readonly doing: string; // for people
  readonly batches: readonly (readonly WarmRequest[])[]; // requests that run together
}

const WIDEST = 64; // wider batches take the kernels of prompts of as many ids
const PROMPT = 8; // ids, where the answer matters
const ANSWER = 3; // ids; the first follows from the prompt, the others from each other

type Drawing = Omit<WarmRequest, "prompt" | "maxTokens">;

/** The ways of choosing an id. Rows of one way are drawn together, so that each goes alone and all go together. */
const drawings: readonly Drawing[] = [
  { sampling: greedy },
  { sampling: { ...greedy, temperature: 1 } },
  { sampling: { ...greedy, temperature: 0.7, topP: 0.9, topK: 40, minP: 0.01 } },
  {
    sampling: { ...greedy, temperature: 0.7, repetitionPenalty: 1.1, frequencyPenalty: 0.1, presencePenalty: 0.1, logitBias: [[0, 1]] },
    logprobs: 5,
    minTokens: 1,
    stopIds: [0],
    thinking: { budget: 1, startsOpen: true, openIds: [0], closeId: 0, ending: [0] },
  },
];

/** Whether there is anything to compile, or somebody wants it anyway. */
export function warmsUp(option: WarmUpOption, device: "cpu" | "gpu"): boolean {
  return option === "on" || (option === "auto" && device === "gpu");
}

/** The stages for an engine with these limits; requests that it could not take are left out. */
export function warmUpStages(limits: WarmUpLimits, vocabSize: number): WarmUpStage[] {
  let prompts = 0;
  /** Begins like no other, so that it is read whole. */
  const prompt = (length: number): Uint32Array => new Uint32Array(length).fill(prompts++ % vocabSize);
  const request = (length: number, drawing: Drawing, more = 0): WarmRequest => ({ ...drawing, prompt: prompt(length), maxTokens: ANSWER + more });
  const possible = (length: number, rows = 1): boolean =>
    length + ANSWER + 1 <= limits.contextLength && limits.fits(Array.from({ length: rows }, () => length + ANSWER + 1));

  const lengths = doubled(limits.prefillStep).filter(length => possible(length));
  const longer = limits.prefillStep + PROMPT; // does not end with its first step
  const sizes = [...lengths, ...(possible(longer) ? [longer] : [])];
  const reading = sizes.map(length => [request(length, { sampling: greedy })]);
  const stored = sizes.includes(2 * PROMPT) ? storedInPart(prompt(2 * PROMPT), vocabSize) : [];
  const widths = doubled(Math.min(WIDEST, limits.maxRows)).filter(rows => possible(PROMPT, rows));
  return [
    { doing: `reading prompts of up to ${sizes.at(-1) ?? 0} tokens`, batches: [...reading, ...stored] },
    ...widths.map(rows => ({
      doing: rows === 1 ? "writing one answer" : `writing ${rows} answers together`,
      batches: [
        ...drawings.map(drawing => Array.from({ length: rows }, () => request(PROMPT, drawing))),
        Array.from({ length: rows }, (_, row) => request(PROMPT - (row % 2), drawings[row % drawings.length]!, row % 2)), // of two lengths, and leaving one by one
      ],
    })),
  ];
}

/** A prompt, and another that begins like it; likelihoods of a prompt. */
function storedInPart(prompt: Uint32Array, vocabSize: number): WarmRequest[][] {
  const other = prompt.with(-1, (prompt[0]! + 1) % vocabSize);
  const common = { sampling: greedy, maxTokens: ANSWER };
  return [[{ ...common, prompt }], [{ ...common, prompt: other }], [{ ...common, prompt, promptLogprobs: 1 }]];
}

/** 1, 2, 4 … and `most` itself. */
function doubled(most: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < most; size *= 2) sizes.push(size);
  return [...sizes, most];
}
