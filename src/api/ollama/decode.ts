// Wire bodies of /api/chat, /api/generate and /api/embed → the dialect-free requests. Throws ApiError 400 naming the field.
import type { ChatRequest, CompletionRequest, Constraint, Generation, Message, Tool, ToolCall } from "../../chat/types.ts";
import type { EmbeddingRequest } from "../../retrieval/embed.ts";
import { checkBody, refuse } from "../body.ts";
import { readSampling, readTemplateOptions } from "../generation.ts";
import {
  chatFields,
  embeddingsFields,
  embedFields,
  generateFields,
  showFields,
  type ChatBody,
  type EmbedBody,
  type EmbeddingsBody,
  type GenerateBody,
  type ShowBody,
} from "./fields.ts";

export type Asked =
  | { readonly type: "chat"; readonly request: ChatRequest }
  | { readonly type: "completion"; readonly request: CompletionRequest }
  | { readonly type: "load" }; // nothing is to be answered

export interface OllamaWire {
  readonly asked: Asked;
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly ignored: readonly string[];
}

export function decodeChat(value: unknown): OllamaWire {
  const ignored = new Set<string>();
  const body = checkBody<ChatBody>(value, chatFields, [], ignored);
  const messages = decodeMessages(body.messages ?? []);
  const tools = decodeTools(body.tools ?? []);
  return { ...wireOf(body, ignored), asked: messages.length === 0 ? { type: "load" } : { type: "chat", request: chatOf(body, messages, tools) } };
}

export function decodeGenerate(value: unknown): OllamaWire {
  const ignored = new Set<string>();
  const body = checkBody<GenerateBody>(value, generateFields, [], ignored);
  const { prompt = "", raw = false, system = "", suffix = "" } = body;
  const plain = raw || suffix !== "";
  if (plain && system !== "") refuse({ path: ["system"], code: "invalid_value", message: `cannot be combined with '${raw ? "raw" : "suffix"}'` });
  return { ...wireOf(body, ignored), asked: prompt === "" && suffix === "" ? { type: "load" } : plain ? completion(body) : question(body) };
}

function completion(body: GenerateBody): Asked {
  const suffix = body.suffix || undefined;
  const request = { prompts: [body.prompt ?? ""], echo: false, generation: generationOf(body), choices: 1, ...(suffix !== undefined && { suffix }) };
  return { type: "completion", request };
}

function question(body: GenerateBody): Asked {
  const system: Message[] = body.system ? [{ role: "system", content: body.system }] : [];
  return { type: "chat", request: chatOf(body, [...system, { role: "user", content: body.prompt! }], []) };
}

function wireOf(body: ChatBody | GenerateBody, ignored: Set<string>) {
  checkKeepAlive(body.keep_alive);
  for (const name of Object.keys(body.options ?? {})) if (!Object.hasOwn(chatFields.options.schema.properties, name)) ignored.add(`options.${name}`);
  return { model: body.model, stream: body.stream ?? true, ignored: [...ignored] };
}

function checkKeepAlive(value: number | string | undefined): void {
  if (value === 0 || (typeof value === "string" && /^0+(ns|us|ms|s|m|h)?$/.test(value)))
    refuse({ path: ["keep_alive"], code: "unsupported_parameter", message: "must not be 0: the model stays loaded while the server runs" });
}

function chatOf(body: ChatBody | GenerateBody, messages: readonly Message[], tools: readonly Tool[]): ChatRequest {
  const { think } = body;
  const templateOptions = typeof think === "string" ? readTemplateOptions(think, {}) : readTemplateOptions(undefined, { enable_thinking: think });
  return { messages, tools, toolChoice: "auto", parallelToolCalls: true, templateOptions, generation: generationOf(body), choices: 1 };
}

function generationOf({ options = {}, format }: ChatBody | GenerateBody): Generation {
  const { seed, repeat_penalty: repetition_penalty, num_predict: most, stop, ...sampling } = withoutNulls(options);
  const constraint: Constraint | undefined =
    typeof format === "object"
      ? { type: "json-schema", field: "format", schema: format }
      : format
        ? { type: "json-object", field: "format" }
        : undefined;
  return {
    sampling: readSampling({ ...sampling, repetition_penalty, ...(seed !== undefined && seed >= 0 && { seed }) }),
    stop: stop ?? [],
    stopIds: [],
    ...(most !== undefined && most > 0 && { maxTokens: most }),
    ...(constraint && { constraint }),
  };
}

function withoutNulls<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== null)) as T;
}

type WireMessage = NonNullable<ChatBody["messages"]>[number];

/** Calls without an id get one by their place; a result belongs to the first call of its tool that has none yet. */
function decodeMessages(messages: readonly WireMessage[]): Message[] {
  let open: ToolCall[] = [];
  return messages.map((message, at): Message => {
    const content = message.content ?? "";
    if (message.role === "assistant") {
      const toolCalls = (message.tool_calls ?? []).map(({ id, function: { name, arguments: input } }, i): ToolCall => ({
        id: id || `call_${at}_${i}`,
        name,
        arguments: JSON.stringify(input ?? {}),
      }));
      open = [...open, ...toolCalls];
      return { role: "assistant", content, ...(message.thinking && { reasoning: message.thinking }), ...(toolCalls.length > 0 && { toolCalls }) };
    }
    if (message.role !== "tool") return { role: message.role, content };
    const { tool_name: name, tool_call_id: id } = message;
    const call = open.find(each => (id ? each.id === id : !name || each.name === name));
    open = open.filter(each => each !== call);
    return { role: "tool", content, toolCallId: id || (call?.id ?? `call_${at}`), ...(name && { name }) };
  });
}

function decodeTools(wire: NonNullable<ChatBody["tools"]>): Tool[] {
  const tools = wire.map(({ function: { name, description, parameters } }): Tool => ({
    name,
    ...(description && { description }),
    ...(parameters && { parameters: parameters as Record<string, unknown> }),
  }));
  const twice = tools.findIndex((tool, i) => tools.findIndex(other => other.name === tool.name) < i);
  if (twice >= 0) refuse({ path: ["tools", twice, "function", "name"], code: "invalid_value", message: `"${tools[twice]?.name}" is there twice` });
  return tools;
}

export interface EmbedWire {
  readonly request: EmbeddingRequest;
  readonly model: string | undefined;
  readonly ignored: readonly string[];
}

export function decodeEmbed(value: unknown): EmbedWire {
  const ignored = new Set<string>();
  const { input, truncate, dimensions, ...body } = checkBody<EmbedBody>(value, embedFields, ["input"], ignored);
  checkKeepAlive(body.keep_alive);
  const overflow = truncate === undefined ? undefined : truncate ? "truncate" : "error";
  const inputs = typeof input === "string" ? [input] : input!;
  const wishes = { ...(overflow && ({ overflow } as const)), ...(dimensions !== undefined && { dimensions }) };
  return { request: { inputs, isList: typeof input !== "string", ...wishes }, model: body.model, ignored: [...ignored] };
}

/** Ollama's older route: one text. */
export function decodeEmbeddings(value: unknown): EmbedWire {
  const ignored = new Set<string>();
  const body = checkBody<EmbeddingsBody>(value, embeddingsFields, ["prompt"], ignored);
  checkKeepAlive(body.keep_alive);
  return { request: { inputs: [body.prompt!], isList: false }, model: body.model, ignored: [...ignored] };
}

export function decodeShow(value: unknown): string | undefined {
  const { model, name } = checkBody<ShowBody>(value, showFields, [], new Set());
  return model ?? name;
}
