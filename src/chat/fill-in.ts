// Filling in the middle: a prompt of what stands before and after, for models whose vocabulary has tokens that say so.
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { ApiError } from "./error.ts";
import { toIds } from "./limits.ts";
import type { Service } from "./service.ts";

/** Texts of a family's tokens, in the order in which its models saw them in training. */
interface Family {
  readonly before: string; // opens what stands before the gap
  readonly after: string; // opens what stands after it
  readonly middle?: string; // opens the answer; the last part is open otherwise
  readonly afterFirst?: true;
}

const families: readonly Family[] = [
  { before: "<|fim_prefix|>", after: "<|fim_suffix|>", middle: "<|fim_middle|>" }, // Qwen2.5-Coder, Qwen3-Coder, CodeGemma
  { before: "<fim_prefix>", after: "<fim_suffix>", middle: "<fim_middle>" }, // StarCoder2, Granite Code
  { before: "<fim-prefix>", after: "<fim-suffix>", middle: "<fim-middle>" }, // SantaCoder
  { before: "<[fim-prefix]>", after: "<[fim-suffix]>", middle: "<[fim-middle]>", afterFirst: true }, // Seed-Coder
  { before: "<｜fim▁begin｜>", after: "<｜fim▁hole｜>", middle: "<｜fim▁end｜>" }, // DeepSeek-Coder
  { before: "<|code_prefix|>", after: "<|code_suffix|>", middle: "<|code_middle|>" }, // GLM-4.5
  { before: "▁<PRE>", after: "▁<SUF>", middle: "▁<MID>" }, // Code Llama
  { before: "[PREFIX]", after: "[SUFFIX]", afterFirst: true }, // Codestral
];

/** Tokens after which nothing of the gap comes any more. */
const ends = ["<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>", "<file_sep>", "<fim_pad>", "▁<EOT>", "<|user|>"];

export interface FillIn {
  readonly prompt: Uint32Array;
  readonly stopIds: readonly number[];
}

/** Throws ApiError when the model has no such tokens. */
export async function fillIn(service: Service, before: string | readonly number[], after: string): Promise<FillIn> {
  const { tokenizer } = service;
  const family = families.find(({ before, after, middle }) =>
    [before, after, middle ?? after].every(token => tokenizer.addedId(token) !== undefined),
  );
  if (!family)
    throw new ApiError(400, `'suffix' is not supported: the vocabulary of '${service.id}' has no tokens for filling in the middle.`, {
      code: "unsupported_parameter",
      param: "suffix",
    });
  const plain = (text: string) => service.encode(text, { specialTokens: false });
  const first = [tokenizer.addedId(family.before)!, ...(typeof before === "string" ? await plain(before) : toIds(before, service.vocabSize))];
  const second = [tokenizer.addedId(family.after)!, ...(await plain(after))];
  const opening = await service.encode("", { specialTokens: true });
  const middle = family.middle === undefined ? [] : [tokenizer.addedId(family.middle)!];
  const parts = family.afterFirst ? [second, first] : [first, second];
  return { prompt: Uint32Array.from([...opening, ...parts.flat(), ...middle]), stopIds: stopIdsOf(tokenizer, family) };
}

function stopIdsOf(tokenizer: Tokenizer, { before, after, middle }: Family): number[] {
  return [...ends, before, after, middle ?? after].flatMap(token => tokenizer.addedId(token) ?? []);
}
