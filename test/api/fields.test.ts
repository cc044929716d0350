// The table of fields against the lists that OpenAI documents. The lists are written out here: a field that the table forgets fails by name.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { TSchema } from "typebox";
import { ApiError } from "../../src/chat/error.ts";
import { decodeChat, decodeCompletion } from "../../src/api/openai/decode.ts";
import type { Fate, Field } from "../../src/api/body.ts";
import { chatBodySchema, chatFields, completionBodySchema, completionFields } from "../../src/api/openai/fields.ts";

type Case = readonly [name: string, fate: Fate, good: unknown, bad?: unknown];

const common: Case[] = [
  ["model", "works", "default", ""],
  ["frequency_penalty", "works", 2, 2.1],
  ["logit_bias", "works", { "5": -100 }, { "5": -101 }],
  ["max_tokens", "works", 5, -1],
  ["n", "works", 16, 17],
  ["presence_penalty", "works", -2, -2.1],
  ["seed", "works", -1, 1.5],
  ["stop", "works", ["a", "b"], [""]],
  ["stream", "works", false, "yes"],
  ["stream_options", "works", undefined, true],
  ["temperature", "works", 0, 2.1],
  ["top_p", "works", 0.5, 1.1],
  ["user", "works", "me", 5],
];

const documentedChat: Case[] = [
  ...common,
  ["messages", "works", [{ role: "user", content: "x" }], []],
  ["logprobs", "works", true, 1],
  ["max_completion_tokens", "works", 5, 1e30],
  ["parallel_tool_calls", "works", false, 0],
  ["reasoning_effort", "works", "low", "huge"],
  ["response_format", "works", { type: "json_object" }, { type: "xml" }],
  ["tool_choice", "works", "none", "always"],
  ["tools", "works", [{ type: "custom", custom: { name: "f" } }], [{ type: "web_search" }]],
  ["top_logprobs", "works", undefined, 21],
  ["metadata", "accepted", { a: "b" }, "a"],
  ["modalities", "accepted", ["text"], ["text", "audio"]],
  ["prompt_cache_key", "accepted", "k", 1],
  ["prompt_cache_options", "accepted", { mode: "implicit" }, "24h"],
  ["prompt_cache_retention", "accepted", "24h", 24],
  ["safety_identifier", "accepted", "me", 5],
  ["service_tier", "accepted", "auto", "priority"],
  ["store", "accepted", true, "yes"],
  ["verbosity", "accepted", "low", "loud"],
  ["audio", "refused", undefined, { voice: "alloy", format: "wav" }],
  ["function_call", "refused", undefined, "auto"],
  ["functions", "refused", undefined, [{ name: "f" }]],
  ["moderation", "refused", undefined, { model: "omni-moderation-latest" }],
  ["prediction", "accepted", { type: "content", content: "x" }, "x"],
  ["web_search_options", "refused", undefined, {}],
];

const documentedCompletion: Case[] = [
  ...common,
  ["prompt", "works", ["a", "b"], []],
  ["best_of", "works", 1, 17],
  ["echo", "works", true, 1],
  ["logprobs", "works", 5, 21],
  ["response_format", "works", { type: "json_object" }, { type: "xml" }],
  ["suffix", "works", "end", 5],
];

const extensions: Case[] = [
  ["top_k", "works", 40, -2],
  ["min_p", "works", 0.1, 1.5],
  ["repetition_penalty", "works", 1.1, 0],
  ["min_tokens", "works", 1, -1],
  ["ignore_eos", "works", true, 1],
  ["priority", "works", 3, 1.5],
  ["repetition_policy_override", "works", "strict", "loose"],
  ["stop_token_ids", "works", [1, 2], [-1]],
  ["guided_json", "works", { type: "object" }, 5],
  ["guided_regex", "works", "a+", ""],
  ["guided_choice", "works", ["a", "b"], []],
  ["guided_grammar", "works", 'root ::= "a"', 5],
  ["structured_outputs", "works", { json_object: true }, { structural_tag: {} }],
  ["include_diagnostics", "works", true, 1],
  ["timeout", "works", 1.5, 0],
];

const chatExtensions: Case[] = [
  ...extensions,
  ["enable_thinking", "works", true, "yes"],
  ["thinking_token_budget", "works", 100, -1],
  ["max_thinking_tokens", "works", 100, "100"],
  ["chat_template_kwargs", "works", { a: 1 }, []],
  ["add_generation_prompt", "works", false, 1],
  ["continue_final_message", "works", false, 1],
];

const routes = [
  {
    route: "chat",
    fields: chatFields,
    cases: [...documentedChat, ...chatExtensions],
    decode: decodeChat,
    base: { messages: [{ role: "user", content: "x" }] },
  },
  {
    route: "completions",
    fields: completionFields,
    cases: [...documentedCompletion, ...extensions],
    decode: decodeCompletion,
    base: { prompt: "x" },
  },
] as const;

describe.each(routes)("the fields of $route", ({ fields, cases, decode, base }) => {
  const table: Readonly<Record<string, Field>> = fields;

  test("the table has exactly the documented fields and our own", () => {
    expect(Object.keys(table).sort()).toEqual(cases.map(([name]) => name).sort());
  });

  test.each(cases.map(([name, fate]) => [name, fate] as const))("%s %s", (name, fate) => {
    expect(table[name]?.fate).toBe(fate);
  });

  test.each(cases.filter(([, , good]) => good !== undefined))("%s (%s) takes %j and is not named as ignored", (name, _, good) => {
    expect(decode({ ...base, [name]: good }).ignored).toEqual([]);
  });

  test.each(cases.filter(([, , , bad]) => bad !== undefined).map(([name, fate, , bad]) => [name, fate, bad] as const))(
    "%s (%s) refuses %j by name",
    (name, fate, bad) => {
      const error = failureOf(() => decode({ ...base, [name]: bad }));
      expect(error.status).toBe(400);
      expect(error.param).toStartWith(name);
      expect(error.message).toContain(`'${name}`);
      if (fate === "refused") expect(error.code).toBe("unsupported_parameter");
    },
  );

  test.each(cases.map(([name]) => name))("%s may be null, which is the same as absence", name => {
    if (name in base) expect(failureOf(() => decode({ ...base, [name]: null })).code).toBe("missing_required_parameter");
    else expect(decode({ ...base, [name]: null })).toEqual(decode(base));
  });
});

test.each([
  ["chat/completions/completions.d.ts", "ChatCompletionCreateParamsBase", chatFields],
  ["completions.d.ts", "CompletionCreateParamsBase", completionFields],
])("OpenAI's own client has no field in %s that the table does not know", (file, name, fields) => {
  const types = readFileSync(new URL(`../../node_modules/openai/resources/${file}`, import.meta.url), "utf8");
  const body = types.split(`export interface ${name} {`)[1]?.split("\n}")[0] ?? "";
  const documented = [...body.matchAll(/^ {4}([a-z_]+)\??:/gm)].map(([, field]) => field!);
  expect(documented.length).toBeGreaterThan(15);
  expect(documented.filter(field => !(field in fields))).toEqual([]);
});

test.each([
  ["modalities", ["audio"]],
  ["modalities", ["text", "audio"]],
  ["service_tier", "flex"],
  ["tools", [{ type: "web_search" }]],
])("%s %j is documented by OpenAI and refused as unsupported", (name, value) => {
  expect(failureOf(() => decodeChat({ messages: [{ role: "user", content: "x" }], [name]: value })).code).toBe("unsupported_parameter");
});

test("fields that nobody documents are ignored and named", () => {
  const wire = decodeChat({ messages: [{ role: "user", content: "x", cache_control: {} }], options: { num_ctx: 1 }, provider: "p" });
  expect(wire.ignored).toEqual(["options", "provider", "messages.cache_control"]);
});

describe("the OpenAPI schemas", () => {
  test.each([
    ["chat", chatBodySchema],
    ["completions", completionBodySchema],
  ])("every field of %s has a description, every number its bounds", (_, schema) => {
    const properties = (schema as unknown as { properties: Record<string, TSchema & { description?: string }> }).properties;
    expect(Object.entries(properties).filter(([, field]) => !field.description)).toEqual([]);
    expect(unbounded(schema)).toEqual([]);
  });
});

/** Paths of numbers without an upper or lower bound. */
function unbounded(schema: unknown, path = ""): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { type, minimum, exclusiveMinimum, maximum } = schema as Record<string, unknown>;
  const own = (type === "number" || type === "integer") && ((minimum ?? exclusiveMinimum) === undefined || maximum === undefined) ? [path] : [];
  return [...own, ...Object.entries(schema).flatMap(([name, part]) => unbounded(part, `${path}/${name}`))];
}

function failureOf(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
