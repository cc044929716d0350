// What the OpenAPI document says of one route.
import type { TSchema } from "typebox";
import { errorSchema as openaiError } from "../api/openai/responses.ts";

interface Operation {
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly body?: TSchema;
  readonly bodyType?: string; // application/json when absent
  readonly responses: Readonly<Record<number, TSchema>>;
  readonly errors?: readonly number[];
  readonly errorSchema?: TSchema; // of the dialect; OpenAI's when absent
}

const meanings: Record<number, string> = {
  200: "Success",
  400: "The request is wrong; `param` names the field.",
  404: "There is nothing by that name.",
  409: "It cannot be done as things stand; the message says why.",
  413: "The body is too large.",
  429: "Too many requests wait; `Retry-After` says when to come back.",
  503: "The engine takes no requests now; `Retry-After` says when to come back.",
  529: "Too many requests wait; `Retry-After` says when to come back.",
  504: "The request took longer than its timeout.",
};

export function operation({
  tag,
  summary,
  description,
  body,
  bodyType = "application/json",
  responses,
  errors = [],
  errorSchema = openaiError,
}: Operation): Record<string, unknown> {
  const answers = [...Object.entries(responses), ...errors.map(status => [String(status), errorSchema] as const)];
  return {
    tags: [tag],
    summary,
    ...(description && { description }),
    ...(body && { requestBody: { required: true, content: { [bodyType]: { schema: body } } } }),
    responses: Object.fromEntries(
      answers.map(([status, schema]) => [status, { description: meanings[Number(status)] ?? "", content: json(schema) }]),
    ),
  };
}

function json(schema: TSchema) {
  return { "application/json": { schema } };
}
