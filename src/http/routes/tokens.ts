// POST /v1/tokenize and /v1/detokenize: texts and conversations as a model's token ids, and back. Also without /v1, where vLLM has them.
import { Elysia } from "elysia";
import { decodeDetokenize, decodeTokenize, detokenizeBodySchema, textSchema, tokenizeBodySchema, tokensSchema } from "../../api/openai/tokens.ts";
import { toIds } from "../../chat/limits.ts";
import { renderChat } from "../../chat/render.ts";
import { findModel, type Context } from "../context.ts";
import { readJson } from "../limits.ts";
import { operation } from "../operation.ts";

export function tokenRoutes(context: Context) {
  const tokenize = async ({ request }: { readonly request: Request }) => {
    const { model, text, chat, withStrings } = decodeTokenize(await readJson(request, context.limits));
    const { service } = findModel(context, model);
    const ids = text ? await service.encode(text.prompt, text) : (await renderChat(service, chat!)).ids;
    return Response.json({
      count: ids.length,
      max_model_len: service.contextLength,
      tokens: [...ids],
      token_strs: withStrings ? Array.from(ids, id => service.tokenizer.visible(id)) : null,
    });
  };
  const detokenize = async ({ request }: { readonly request: Request }) => {
    const { model, tokens } = decodeDetokenize(await readJson(request, context.limits));
    const { service } = findModel(context, model);
    return Response.json({ prompt: service.tokenizer.decode(toIds(tokens, service.vocabSize, "tokens"), { skipSpecial: false }) });
  };
  const detail = (summary: string, body: typeof tokenizeBodySchema, schema: typeof tokensSchema | typeof textSchema) =>
    operation({ tag: "Tokens", summary, body, responses: { 200: schema }, errors: [400, 404, 413] });
  const hidden = { parse: "none", detail: { hide: true } } as const;
  return new Elysia()
    .post("/v1/tokenize", tokenize, { parse: "none", detail: detail("Text or a conversation to token ids", tokenizeBodySchema, tokensSchema) })
    .post("/v1/detokenize", detokenize, { parse: "none", detail: detail("Token ids to text", detokenizeBodySchema, textSchema) })
    .post("/tokenize", tokenize, hidden)
    .post("/detokenize", detokenize, hidden);
}
