// Bodies of /v1/tokenize and /v1/detokenize, as vLLM has them. A conversation is read by the chat route's own decoder.
import Type from "typebox";
import type { ChatRequest } from "../../chat/types.ts";
import { bodySchema, checkBody, refuse, works, type Body } from "../body.ts";
import { decodeChat } from "./decode.ts";
import { chatFields } from "./fields.ts";

const { model, messages, tools, tool_choice, chat_template_kwargs, enable_thinking, reasoning_effort } = chatFields;
const { add_generation_prompt, continue_final_message } = chatFields;
const switches = { add_generation_prompt, continue_final_message, enable_thinking, reasoning_effort };
const conversation = { messages, tools, tool_choice, chat_template_kwargs, ...switches };

export const tokenizeFields = {
  model,
  prompt: works(Type.String({ description: "A text; or give `messages`." })),
  add_special_tokens: works(Type.Boolean({ description: "Begins and ends a `prompt` as the model expects of a whole text.", default: true })),
  return_token_strs: works(Type.Boolean({ description: "Adds each token's text.", default: false })),
  ...conversation,
};

export const detokenizeFields = {
  model,
  tokens: works(Type.Array(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 }), { description: "Token ids." })),
};

export const tokenizeBodySchema = bodySchema(tokenizeFields, []);
export const detokenizeBodySchema = bodySchema(detokenizeFields, ["tokens"]);

export interface Tokenize {
  readonly model: string | undefined;
  readonly text?: { readonly prompt: string; readonly specialTokens: boolean };
  readonly chat?: ChatRequest;
  readonly withStrings: boolean;
}

export function decodeTokenize(value: unknown): Tokenize {
  const body = checkBody<Body<typeof tokenizeFields>>(value, tokenizeFields, [], new Set());
  const { prompt, add_special_tokens: specialTokens = true, return_token_strs: withStrings = false } = body;
  const chat = Object.fromEntries(Object.entries(body).filter(([name]) => name in conversation));
  if (prompt === undefined) {
    if (!("messages" in chat)) refuse({ path: ["prompt"], code: "missing_required_parameter", message: "or 'messages' is required" });
    return { model: body.model, chat: decodeChat(chat).request, withStrings };
  }
  const [other] = Object.keys(chat);
  if (other !== undefined) refuse({ path: [other], code: "invalid_value", message: "cannot be combined with 'prompt'" });
  return { model: body.model, text: { prompt, specialTokens }, withStrings };
}

export function decodeDetokenize(value: unknown): { readonly model: string | undefined; readonly tokens: readonly number[] } {
  const body = checkBody<Body<typeof detokenizeFields>>(value, detokenizeFields, ["tokens"], new Set());
  return { model: body.model, tokens: body.tokens! };
}

export const tokensSchema = Type.Object({
  count: Type.Integer(),
  max_model_len: Type.Integer({ description: "Tokens of prompt and answer together." }),
  tokens: Type.Array(Type.Integer()),
  token_strs: Type.Union([Type.Array(Type.String()), Type.Null()], { description: "With `return_token_strs` only." }),
});

export const textSchema = Type.Object({ prompt: Type.String({ description: "The tokens' text, special tokens included." }) });
