// What a body wants its answer held to: OpenAI's response_format, vLLM's guided_* and structured_outputs. One of them at most.
import type { Constraint } from "../../chat/types.ts";
import { refuse } from "../body.ts";
import type { ChatBody, CompletionBody } from "./fields.ts";

type Wanted = { readonly path: readonly string[] } & (
  | { readonly type: "json"; readonly value: unknown }
  | { readonly type: "object" }
  | { readonly type: "regex" | "grammar"; readonly value: string }
  | { readonly type: "choice"; readonly value: readonly string[] }
);

export function decodeConstraint(body: ChatBody | CompletionBody): Constraint | undefined {
  const wanted = [...fromResponseFormat(body), ...fromGuided(body), ...fromStructured(body)];
  const [first, second] = wanted;
  if (second) refuse({ path: second.path, code: "invalid_value", message: `cannot be combined with '${first!.path.join(".")}'` });
  if (first && body.ignore_eos)
    refuse({
      path: ["ignore_eos"],
      code: "invalid_value",
      message: `cannot be combined with '${first.path.join(".")}', which says where the answer ends`,
    });
  return first && toConstraint(first);
}

function fromResponseFormat({ response_format: format }: ChatBody | CompletionBody): Wanted[] {
  if (!format || format.type === "text") return [];
  if (format.type === "json_object") return [{ path: ["response_format"], type: "object" }];
  return [{ path: ["response_format", "json_schema", "schema"], type: "json", value: format.json_schema.schema }];
}

function fromGuided(body: ChatBody | CompletionBody): Wanted[] {
  return [
    ...(body.guided_json === undefined ? [] : [{ path: ["guided_json"], type: "json", value: body.guided_json } as const]),
    ...(body.guided_regex === undefined ? [] : [{ path: ["guided_regex"], type: "regex", value: body.guided_regex } as const]),
    ...(body.guided_choice === undefined ? [] : [{ path: ["guided_choice"], type: "choice", value: body.guided_choice } as const]),
    ...(body.guided_grammar === undefined ? [] : [{ path: ["guided_grammar"], type: "grammar", value: body.guided_grammar } as const]),
  ];
}

function fromStructured({ structured_outputs: wire }: ChatBody | CompletionBody): Wanted[] {
  if (!wire) return [];
  const path = (name: string) => ["structured_outputs", name];
  const wanted: Wanted[] = [
    ...(wire.json == null ? [] : [{ path: path("json"), type: "json", value: wire.json } as const]),
    ...(wire.regex == null ? [] : [{ path: path("regex"), type: "regex", value: wire.regex } as const]),
    ...(wire.choice == null ? [] : [{ path: path("choice"), type: "choice", value: wire.choice } as const]),
    ...(wire.grammar == null ? [] : [{ path: path("grammar"), type: "grammar", value: wire.grammar } as const]),
    ...(wire.json_object ? [{ path: path("json_object"), type: "object" } as const] : []),
  ];
  if (wanted.length === 0)
    refuse({ path: ["structured_outputs"], code: "invalid_value", message: "must have one of json, regex, choice, grammar and json_object" });
  return wanted;
}

function toConstraint(wanted: Wanted): Constraint {
  const field = wanted.path.join(".");
  switch (wanted.type) {
    case "json":
      return { type: "json-schema", field, schema: typeof wanted.value === "string" ? parse(wanted.value, wanted.path) : wanted.value };
    case "object":
      return { type: "json-object", field };
    case "regex":
      return { type: "regex", field, pattern: wanted.value };
    case "choice":
      return { type: "choice", field, choices: wanted.value };
    case "grammar":
      return { type: "grammar", field, text: wanted.value };
  }
}

function parse(text: string, path: readonly string[]): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    refuse({ path, code: "invalid_value", message: "is not JSON text" });
  }
}
