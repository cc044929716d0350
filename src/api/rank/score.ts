// The wire form of /v1/score, which is vLLM's: one text against several, or pairs side by side.
import Type from "typebox";
import type { Pair, RankLimits, Ranking } from "../../retrieval/rank.ts";
import { bodySchema, checkBody, refuse, works, type Body } from "../body.ts";
import { rankModel, truncateField } from "./fields.ts";
import { encoderPriority, timeout } from "../common-fields.ts";

const maxPairs = 2048;
const text = Type.String({ minLength: 1 });
const texts = (description: string) => works(Type.Union([text, Type.Array(text, { minItems: 1, maxItems: maxPairs })], { description }));

const scoreFields = {
  text_1: texts("A query, or one per text in `text_2`."),
  text_2: texts("The texts that are scored."),
  queries: texts("Another name of `text_1`."),
  documents: texts("Another name of `text_2`."),
  model: rankModel,
  truncate_prompt_tokens: truncateField,
  priority: encoderPriority,
  timeout,
};

export const scoreBodySchema = bodySchema(scoreFields, []);

export interface ScoreWire {
  readonly pairs: readonly Pair[];
  readonly limits: RankLimits;
  readonly model: string | undefined;
  readonly priority: number | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly ignored: readonly string[];
}

type ScoreBody = Body<typeof scoreFields>;

export function decodeScore(value: unknown): ScoreWire {
  const ignored = new Set<string>();
  const body = checkBody<ScoreBody>(value, scoreFields, [], ignored);
  const [queryName, queries] = one(body, "text_1", "queries");
  const [documentName, documents] = one(body, "text_2", "documents");
  if (queries.length !== 1 && queries.length !== documents.length)
    refuse({
      path: [queryName],
      code: "invalid_value",
      message: `has ${queries.length} texts and '${documentName}' has ${documents.length}; it must have one, or as many`,
    });
  return {
    pairs: documents.map((document, i) => ({ query: queries[queries.length === 1 ? 0 : i]!, document, name: `${documentName}[${i}]` })),
    limits: (body.truncate_prompt_tokens ?? -1) > 0 ? { pair: body.truncate_prompt_tokens! } : {},
    model: body.model,
    priority: body.priority,
    timeoutSeconds: body.timeout,
    ignored: [...ignored],
  };
}

/** The field under the name that the request gave it. */
function one<A extends "text_1" | "text_2", B extends "queries" | "documents">(body: ScoreBody, first: A, second: B): [A | B, readonly string[]] {
  if (body[first] !== undefined && body[second] !== undefined)
    refuse({ path: [second], code: "invalid_value", message: `is another name of '${first}', which is given too` });
  const name = body[second] === undefined ? first : second;
  const value: string | readonly string[] | undefined = body[name];
  if (value === undefined) refuse({ path: [first], code: "missing_required_parameter", message: "is required" });
  return [name, typeof value === "string" ? [value] : value];
}

export function encodeScore({ scores, tokens }: Ranking, head: { readonly id: string; readonly model: string; readonly created: number }) {
  return {
    id: head.id,
    object: "list",
    created: head.created,
    model: head.model,
    data: scores.map((score, index) => ({ index, object: "score", score })),
    usage: { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens },
  };
}

export const scoreListSchema = Type.Object({
  id: Type.String(),
  object: Type.Literal("list"),
  created: Type.Integer({ description: "Seconds since 1970." }),
  model: Type.String({ description: "The model's id." }),
  data: Type.Array(
    Type.Object({
      index: Type.Integer({ description: "Which of the pairs." }),
      object: Type.Literal("score"),
      score: Type.Number({ description: "Between 0 and 1." }),
    }),
  ),
  usage: Type.Object({
    prompt_tokens: Type.Integer({ description: "Tokens of all pairs that were read." }),
    completion_tokens: Type.Integer({ description: "Always 0." }),
    total_tokens: Type.Integer({ description: "The sum of both." }),
  }),
});
