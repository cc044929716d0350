// What a request wants its answer held to, in the form that the engine follows.
import type { Grammar } from "../engine/protocol.ts";
import type { AnswerForm, CallsForm, ReasoningForm } from "../grammar/answer.ts";
import { GrammarError } from "../grammar/error.ts";
import { ApiError } from "./error.ts";
import type { Service } from "./service.ts";
import type { ChatRequest, Constraint } from "./types.ts";
import { fieldName } from "../util/field-name.ts";

const MOST_CALLS = 16; // in one answer

/** What the prompt says about reasoning. */
export interface Opening {
  readonly startsInReasoning: boolean;
  readonly text: string;
}

/** Undefined when nothing holds the answer. Throws ApiError for what cannot be enforced. */
export async function chatGrammar(service: Service, request: ChatRequest, opening: Opening): Promise<Grammar | undefined> {
  const { constraint } = request.generation;
  const calls = callsOf(service, request);
  if (!constraint && !calls) return undefined;
  if (calls?.required && request.generation.ignoreEos)
    throw new ApiError(400, "'ignore_eos' cannot be combined with a required tool call, which says where the answer ends.", {
      code: "invalid_value",
      param: "ignore_eos",
    });
  const reasoning = reasoningOf(service, request, opening);
  return compile(service, { constraint, calls, reasoning }, constraint?.field ?? (request.toolChoice === "auto" ? "tools" : "tool_choice"));
}

/** Of a plain completion. */
export async function textGrammar(service: Service, constraint: Constraint | undefined): Promise<Grammar | undefined> {
  return constraint && compile(service, { constraint }, constraint.field);
}

async function compile(service: Service, form: AnswerForm, field: string): Promise<Grammar> {
  if (service.stopIds.length === 0)
    throw new ApiError(400, `'${field}' cannot be enforced: the model has no token that ends an answer.`, {
      code: "unsupported_parameter",
      param: field,
    });
  const { toolFormat, reasoningFormat } = service;
  try {
    return await service.grammars.compile(form, [...(toolFormat?.markers ?? []), ...(reasoningFormat?.markers ?? [])]);
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error;
    throw refusal(error, fieldOf(error, form) ?? field);
  }
}

/** Of a tool: its parameters, or the grammar of its text. */
function fieldOf({ tool }: GrammarError, { calls }: AnswerForm): string | undefined {
  const input = calls?.tools.find(each => each.name === tool)?.input;
  return tool === undefined ? undefined : (input?.field ?? `tools.${tool}.parameters`);
}

function refusal({ message, path }: GrammarError, field: string): ApiError {
  const param = [field, fieldName(path.slice(0, 40))].filter(part => part !== "").join(".");
  return new ApiError(400, `'${param}' ${message}.`, { code: "unsupported_schema", param });
}

function callsOf({ toolFormat }: Service, { tools, toolChoice, parallelToolCalls, generation }: ChatRequest): CallsForm | undefined {
  if (toolChoice === "none" || tools.length === 0) return undefined;
  const forced = toolChoice !== "auto";
  const strict = tools.some(tool => tool.strict || tool.input);
  if (!forced && !strict && !generation.constraint) return undefined;
  if (!toolFormat) {
    const what = forced ? "tool_choice" : (generation.constraint?.field ?? "tools");
    const reason = forced ? "a required call" : generation.constraint ? "beside tools it" : "a strict tool";
    throw new ApiError(400, `'${what}': ${reason} is not supported with this model, whose format of tool calls is not known.`, {
      code: "unsupported_parameter",
      param: what,
    });
  }
  const named = typeof toolChoice === "object" ? tools.filter(tool => tool.name === toolChoice.name) : tools;
  const held = named.map(tool => (forced || tool.strict || tool.input ? tool : { ...tool, parameters: { type: "object" } })); // any arguments
  const most = typeof toolChoice === "object" || !parallelToolCalls ? 1 : MOST_CALLS;
  return { format: toolFormat.name, syntax: toolFormat.syntax, tools: held, required: forced, most };
}

/** The model reasons before it answers where the prompt has begun it or the request asks for it; otherwise it answers at once. */
function reasoningOf({ reasoningFormat, templateOptions }: Service, request: ChatRequest, opening: Opening): ReasoningForm | undefined {
  if (!reasoningFormat) return undefined;
  const { open, close } = reasoningFormat.block;
  const wanted = { ...templateOptions, ...request.templateOptions }["enable_thinking"];
  const allowed = wanted === true && !request.continues && !opening.text.trimEnd().endsWith(close);
  return { open, close, isOpen: opening.startsInReasoning, allowed, headers: reasoningFormat.headers };
}
