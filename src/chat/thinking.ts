// How a model's thinking begins and ends in ids: what the engine needs to end it, and whoever masks ids to know when it is over.
import type { ThinkingBudget } from "../engine/protocol.ts";
import type { ReasoningFormat } from "../parsers/types.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { ApiError } from "./error.ts";
import type { Generation } from "./types.ts";

export interface ThinkingIds extends Pick<ThinkingBudget, "openIds" | "closeId"> {
  readonly ending: readonly number[]; // ends thinking
  readonly content: readonly number[]; // behind it, begins the content, so that the model does not think again
}

/** What is known of a served model's thinking. */
interface Thinker {
  readonly id: string; // as clients name the model
  readonly reasoningFormat: ReasoningFormat | undefined;
  readonly thinking: ThinkingIds | undefined; // of that format
  readonly thinkingBudget: number | undefined; // tokens, where the request says nothing
}

/** How an answer begins and goes on. */
interface Course {
  readonly startsOpen: boolean; // inside of thinking
  readonly held: boolean; // wholly, by a grammar, which lets it think once and says what comes behind
}

/** Undefined where the closing tag is no token of the vocabulary: nobody can tell from ids where spelled-out thinking ends. */
export function findThinkingIds(
  tokenizer: Pick<Tokenizer, "addedId" | "encode" | "leadingSpaces">,
  format: ReasoningFormat | undefined,
): ThinkingIds | undefined {
  const closeId = format && tokenizer.addedId(format.block.close);
  if (!format || closeId === undefined) return undefined;
  const { open, ending } = format.block;
  const encode = (text: string) => [...tokenizer.encode(text, { specialTokens: false })];
  const openId = tokenizer.addedId(open);
  return {
    openIds: openId === undefined ? encode(open) : [openId],
    closeId,
    ending: tokenizer.leadingSpaces > 0 ? [closeId] : encode(ending), // those tokenizers would begin the ending with a space
    content: encode(format.headers?.content ?? ""),
  };
}

/** What the engine is told. A model that does not reason stays within any budget. */
export function thinkingBudgetOf(
  service: Pick<Thinker, "thinking" | "thinkingBudget">,
  { thinkingBudget }: Pick<Generation, "thinkingBudget">,
  { startsOpen, held }: Course,
): ThinkingBudget | undefined {
  const budget = thinkingBudget ?? service.thinkingBudget;
  if (budget === undefined || !service.thinking) return undefined;
  const { openIds, closeId, ending, content } = service.thinking;
  return { openIds, closeId, ending: held ? ending : [...ending, ...content], budget, startsOpen };
}

/** Throws ApiError for a budget that nothing could enforce. */
export function checkThinkingBudget({ id, reasoningFormat, thinking }: Thinker, { thinkingBudget }: Generation): void {
  if (thinkingBudget === undefined || !reasoningFormat || thinking) return;
  throw new ApiError(400, `The thinking of '${id}' cannot be limited: its vocabulary has no token ${reasoningFormat.block.close}.`, {
    code: "unsupported_parameter",
    param: "thinking_token_budget",
  });
}
