// A chat request as the ids that the model reads.
import { fallbackToolFormat } from "../parsers/registry.ts";
import { TemplateError } from "../tokenizer/error.ts";
import { markBegun } from "./begun.ts";
import { ApiError } from "./error.ts";
import { toTemplateMessages, toTemplateTools } from "./messages.ts";
import type { Service } from "./service.ts";
import { tellTools } from "./tool-text.ts";
import { arrangeTurns } from "./turns.ts";
import type { ChatRequest } from "./types.ts";

export interface Rendered {
  readonly text: string;
  readonly ids: Uint32Array;
  readonly startsInReasoning: boolean; // the prompt has opened the block that the answer goes on in
}

/** Throws ApiError when the model has no template or the template refuses. */
export async function renderChat(service: Service, request: ChatRequest): Promise<Rendered> {
  const text = await renderText(service, request);
  const ids = await service.encode(text, { specialTokens: false }); // the template writes them itself
  return { text, ids, startsInReasoning: service.reasoningFormat?.startsOpen(text) ?? false };
}

export async function renderText(service: Service, request: ChatRequest): Promise<string> {
  const { conventions, toolFormat: format = fallbackToolFormat } = service;
  const tools = request.toolChoice === "none" ? [] : request.tools;
  if (!service.template)
    throw new ApiError(400, `The model '${service.id}' has no chat template; it serves plain completions only.`, { code: "no_chat_template" });
  const arranged = arrangeTurns(tellTools(request.messages, { format, tools, conventions }), conventions);
  const begun = request.continues ? markBegun(arranged) : undefined;
  try {
    const text = await service.render({
      messages: toTemplateMessages(begun?.marked ?? arranged, conventions, format.ids),
      tools: conventions.shows.tools ? toTemplateTools(tools) : [],
      variables: { ...service.templateOptions, ...request.templateOptions, ...(begun && { add_generation_prompt: false }) },
    });
    return begun?.cut(text) ?? text;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ApiError(400, `The model's chat template cannot render these messages: ${error.message}`, {
      code: "chat_template_error",
      param: "messages",
    });
  }
}
