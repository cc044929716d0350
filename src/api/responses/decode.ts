// Wire bodies of /v1/responses → ChatRequest, with what the answer repeats of them. Throws ApiError 400 naming the field.
import type { ChatRequest, Constraint, Generation } from "../../chat/types.ts";
import { randomId } from "../../util/id.ts";
import { checkBody, refuse } from "../body.ts";
import { inputFields, responsesFields, type InputBody, type ResponsesBody } from "./fields.ts";
import { toMessages } from "./items.ts";
import type { Item } from "./schema.ts";
import { decodeTools, type Known } from "./tools.ts";
import { noGeneration, readSampling, readTemplateOptions } from "../generation.ts";

/** What earlier responses left behind. */
export interface Memory {
  /** Everything up to the end of a stored response; undefined when it is not there. */
  readonly history: (responseId: string) => readonly Item[] | undefined;
  readonly item: (id: string) => Item | undefined;
}

export interface ResponsesWire {
  readonly request: ChatRequest;
  readonly body: ResponsesBody;
  readonly known: ReadonlyMap<string, Known>;
  /** The whole conversation before the answer, every item with an id. */
  readonly items: readonly Item[];
  readonly sealsThoughts: boolean;
  readonly ignored: readonly string[];
}

export function decodeResponse(value: unknown, memory: Memory): ResponsesWire {
  const ignored = new Set<string>();
  const body = checkBody<ResponsesBody>(value, responsesFields, [], ignored);
  const include = new Set(body.include ?? []);
  const logprobs = include.has("message.output_text.logprobs") ? (body.top_logprobs ?? 0) : undefined;
  if (body.top_logprobs !== undefined && logprobs === undefined)
    refuse({ path: ["top_logprobs"], code: "invalid_value", message: "needs \"message.output_text.logprobs\" in 'include'" });
  if (body.background && body.store === false) refuse({ path: ["background"], code: "invalid_value", message: "needs 'store' to be true" });
  if (body.background && body.stream)
    refuse({ path: ["background"], code: "unsupported_parameter", message: "is not supported together with 'stream': ask for the response later" });
  const { prompt, known, items } = promptOf(body, memory, ignored);
  const generation = { ...generationOf(body), ...(logprobs !== undefined && { logprobs }) };
  return { request: { ...prompt, generation }, body, known, items, sealsThoughts: include.has("reasoning.encrypted_content"), ignored: [...ignored] };
}

/** As much of a request as makes its prompt. */
export function decodeInput(value: unknown, memory: Memory): { readonly request: ChatRequest; readonly model: string | undefined } {
  const body = checkBody<InputBody>(value, inputFields, [], new Set());
  return { request: { ...promptOf(body, memory, new Set()).prompt, generation: noGeneration }, model: body.model };
}

function promptOf(body: InputBody, memory: Memory, ignored: Set<string>) {
  const items = [...earlier(body.previous_response_id, memory), ...inputItems(body, memory)];
  const messages = toMessages(body.instructions, items, ignored);
  if (messages.length === 0) refuse({ path: ["input"], code: "missing_required_parameter", message: "is required" });
  const { known, ...tools } = decodeTools(body, ignored);
  const prompt: Omit<ChatRequest, "generation"> = {
    messages,
    ...tools,
    parallelToolCalls: body.parallel_tool_calls ?? true,
    templateOptions: readTemplateOptions(body.reasoning?.effort, body),
    choices: 1,
  };
  return { prompt, known, items };
}

function earlier(id: string | undefined, memory: Memory): readonly Item[] {
  if (id === undefined) return [];
  const items = memory.history(id);
  if (items) return items;
  return refuse({ path: ["previous_response_id"], code: "invalid_value", message: "names no response that is stored here, or no longer" });
}

const prefixes = {
  reasoning: "rs_",
  function_call: "fc_",
  custom_tool_call: "ctc_",
  function_call_output: "fco_",
  custom_tool_call_output: "ctco_",
  message: "msg_",
};

function inputItems({ input = [] }: InputBody, memory: Memory): Item[] {
  const given = typeof input === "string" ? [{ type: "message" as const, role: "user" as const, content: input }] : input;
  return given.map((item, at) => {
    if (item.type !== "item_reference")
      return { ...item, type: item.type ?? "message", id: item.id ?? randomId(prefixes[item.type ?? "message"]) } as Item;
    return (
      memory.item(item.id) ?? refuse({ path: ["input", at, "id"], code: "invalid_value", message: "names no item that is stored here, or no longer" })
    );
  });
}

function generationOf(body: ResponsesBody): Generation {
  const { max_output_tokens: maxTokens } = body;
  const constraint = constraintOf(body);
  return {
    sampling: readSampling(body),
    ...(maxTokens !== undefined && { maxTokens }),
    stop: [],
    stopIds: [],
    ...(constraint && { constraint }),
  };
}

function constraintOf({ text }: ResponsesBody): Constraint | undefined {
  const format = text?.format;
  if (format?.type === "json_object") return { type: "json-object", field: "text.format" };
  return format?.type === "json_schema" ? { type: "json-schema", field: "text.format.schema", schema: format.schema } : undefined;
}
