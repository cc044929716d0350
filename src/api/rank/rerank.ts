// The wire form of /v1/rerank as Jina and Cohere have it and vLLM answers it: body → pairs, scores → sorted results.
import Type from "typebox";
import type { Pair, RankLimits, Ranking } from "../../retrieval/rank.ts";
import { bodySchema, checkBody, refuse, refused, works, type Body } from "../body.ts";
import { rankModel, perDocumentField, truncateField } from "./fields.ts";
import { encoderPriority, timeout } from "../common-fields.ts";

const maxDocuments = 2048;
const text = Type.String({ minLength: 1 });

const rerankFields = {
  query: works(Type.String({ minLength: 1, description: "What the documents are ranked for." })),
  documents: works(
    Type.Array(Type.Union([text, Type.Object({ text })]), { minItems: 1, maxItems: maxDocuments, description: 'Texts, or objects with a "text".' }),
  ),
  model: rankModel,
  top_n: works(Type.Integer({ minimum: 1, maximum: maxDocuments, description: "So many of the best; no more than there are documents." })),
  return_documents: works(Type.Boolean({ description: "false leaves the documents out of the answer.", default: true })),
  max_tokens_per_doc: perDocumentField,
  truncate_prompt_tokens: truncateField,
  rank_fields: refused("documents have one field here, text"),
  priority: encoderPriority,
  timeout,
};

export const rerankBodySchema = bodySchema(rerankFields, ["query", "documents"]);

export interface RerankWire {
  readonly pairs: readonly Pair[];
  readonly limits: RankLimits;
  readonly model: string | undefined;
  readonly count: number; // of results
  readonly withDocuments: boolean;
  readonly priority: number | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly ignored: readonly string[];
}

export function decodeRerank(value: unknown): RerankWire {
  const ignored = new Set<string>();
  const body = checkBody<Body<typeof rerankFields>>(value, rerankFields, ["query", "documents"], ignored);
  const documents = body.documents!.map(document => (typeof document === "string" ? document : document.text));
  const count = body.top_n ?? documents.length;
  if (count > documents.length)
    refuse({ path: ["top_n"], code: "invalid_value", message: `is ${count}, and there are ${documents.length} documents` });
  return {
    pairs: documents.map((document, i) => ({ query: body.query!, document, name: `documents[${i}]` })),
    limits: {
      ...((body.truncate_prompt_tokens ?? -1) > 0 && { pair: body.truncate_prompt_tokens! }),
      ...(body.max_tokens_per_doc !== undefined && { document: body.max_tokens_per_doc }),
    },
    model: body.model,
    count,
    withDocuments: body.return_documents ?? true,
    priority: body.priority,
    timeoutSeconds: body.timeout,
    ignored: [...ignored],
  };
}

/** Best first; of equal scores the earlier document. */
export function encodeRerank(
  { scores, tokens }: Ranking,
  { pairs, count, withDocuments }: RerankWire,
  head: { readonly id: string; readonly model: string },
) {
  const results = scores
    .map((score, index) => ({
      index,
      relevance_score: score,
      ...(withDocuments && { document: { text: pairs[index]!.document } }),
    }))
    .sort((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, count);
  return { ...head, results, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

export const rerankingSchema = Type.Object({
  id: Type.String(),
  model: Type.String({ description: "The model's id." }),
  results: Type.Array(
    Type.Object({
      index: Type.Integer({ description: "Which of the documents." }),
      relevance_score: Type.Number({ description: "Between 0 and 1; results are sorted by it." }),
      document: Type.Optional(Type.Object({ text: Type.String() })),
    }),
  ),
  usage: Type.Object({
    prompt_tokens: Type.Integer({ description: "Tokens of all pairs that were read." }),
    total_tokens: Type.Integer({ description: "The same." }),
  }),
});
