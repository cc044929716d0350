// POST /v1/rerank, also under the paths that Cohere's and vLLM's clients call, and POST /v1/score.
import { Elysia } from "elysia";
import { decodeRerank, encodeRerank, rerankBodySchema, rerankingSchema } from "../../api/rank/rerank.ts";
import { decodeScore, encodeScore, scoreBodySchema, scoreListSchema } from "../../api/rank/score.ts";
import { rank, type Pair, type RankLimits, type Ranking } from "../../retrieval/rank.ts";
import { randomId } from "../../util/id.ts";
import type { Context } from "../context.ts";
import { readJson } from "../limits.ts";
import { operation } from "../operation.ts";
import { encoderFor } from "../origin.ts";
import { reply } from "../reply.ts";

interface Wire {
  readonly pairs: readonly Pair[];
  readonly limits: RankLimits;
  readonly model: string | undefined;
  readonly priority: number | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly ignored: readonly string[];
}

interface Head {
  readonly id: string;
  readonly model: string;
  readonly created: number;
}

/** What both routes do: decode, rank within a lifetime, encode. */
function ranked<W extends Wire>(
  context: Context,
  prefix: string,
  decode: (body: unknown) => W,
  encode: (ranking: Ranking, wire: W, head: Head) => object,
) {
  return async ({ request, set }: { readonly request: Request; readonly set: { readonly headers: Record<string, unknown> } }) => {
    const wire = decode(await readJson(request, context.limits));
    const id = randomId(prefix);
    const run = async (signal: AbortSignal) => {
      const service = encoderFor(await context.encoders.rank.find(wire.model), request, wire.priority);
      const ranking = await rank(service, wire.pairs, wire.limits, signal);
      return { body: encode(ranking, wire, { id, model: service.id, created: Math.floor(Date.now() / 1000) }), truncated: ranking.truncated };
    };
    return reply({ ...wire, ids: [id, String(set.headers["x-request-id"])], run }, request, context);
  };
}

const errors = [400, 404, 413, 429, 503, 504];

export function rankRoutes(context: Context) {
  const rerank = ranked(context, "rerank-", decodeRerank, (ranking, wire, { id, model }) => encodeRerank(ranking, wire, { id, model }));
  const score = ranked(context, "score-", decodeScore, (ranking, _, head) => encodeScore(ranking, head));
  const hidden = { parse: "none", detail: { hide: true } } as const;
  return new Elysia()
    .post("/v1/rerank", rerank, {
      parse: "none",
      detail: operation({
        tag: "Ranking",
        summary: "Rerank",
        description: "Documents by their relevance for a query, in the shape of Jina, Cohere and vLLM. Also under /rerank and /v2/rerank.",
        body: rerankBodySchema,
        responses: { 200: rerankingSchema },
        errors,
      }),
    })
    .post("/rerank", rerank, hidden)
    .post("/v2/rerank", rerank, hidden)
    .post("/v1/score", score, {
      parse: "none",
      detail: operation({
        tag: "Ranking",
        summary: "Score",
        description: "The relevance of one text for another, in vLLM's shape. Also under /score.",
        body: scoreBodySchema,
        responses: { 200: scoreListSchema },
        errors,
      }),
    })
    .post("/score", score, hidden);
}
