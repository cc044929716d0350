// The shapes inside a Responses body, as JSON schemas with the bounds that are enforced.
import Type, { type Static } from "typebox";
import { toolName } from "../common-fields.ts";

const textOnly = "only text is read here";
const notOurs = "it belongs to a tool that OpenAI's own servers run";
const id = Type.Optional(Type.String({ maxLength: 256 }));
const callId = Type.String({ minLength: 1, maxLength: 256, description: "Joins a call and its output." });
const namespace = Type.Optional(Type.String({ maxLength: 256, description: "The group of the tool that is called." }));
const name = Type.String({ minLength: 1, maxLength: 256 });

const thoughts = Type.Array(Type.Object({ type: Type.Enum(["summary_text", "reasoning_text", "text"]), text: Type.String() }));
const refusal = Type.Object({ type: Type.Literal("refusal"), refusal: Type.String() });
const textPart = Type.Object({ type: Type.Enum(["input_text", "output_text", "text"]), text: Type.String() });
const content = Type.Union(
  [
    Type.String(),
    Type.Array(Type.Union([textPart, refusal], { "x-refused-types": { input_image: textOnly, input_file: textOnly, input_audio: textOnly } })),
  ],
  { description: "Text, or text parts that are joined by line breaks." },
);

const message = Type.Object({
  type: Type.Optional(Type.Literal("message")),
  id,
  role: Type.Enum(["user", "assistant", "system", "developer"]),
  content,
});
const reasoning = Type.Object({
  type: Type.Literal("reasoning"),
  id,
  summary: Type.Optional(thoughts),
  content: Type.Optional(thoughts),
  encrypted_content: Type.Optional(Type.String({ description: "As this server gave it; another server's is left out." })),
});
const functionCall = Type.Object({ type: Type.Literal("function_call"), id, call_id: callId, name, namespace, arguments: Type.String() });
const customCall = Type.Object({ type: Type.Literal("custom_tool_call"), id, call_id: callId, name, namespace, input: Type.String() });
const callOutput = Type.Object({
  type: Type.Enum(["function_call_output", "custom_tool_call_output"]),
  id,
  call_id: callId,
  output: content,
});
const reference = Type.Object({ type: Type.Literal("item_reference"), id: Type.String({ description: "Of an item of a stored response." }) });

const othersItems = Object.fromEntries(
  [
    "file_search_call",
    "web_search_call",
    "computer_call",
    "computer_call_output",
    "image_generation_call",
    "code_interpreter_call",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "tool_search_call",
    "tool_search_output",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "compaction",
  ].map(type => [type, notOurs]),
);

export const itemSchema = Type.Union([message, reasoning, functionCall, customCall, callOutput, reference], { "x-refused-types": othersItems });

/** An item of a conversation, as it came or as it was answered. */
export type Item = Exclude<Static<typeof itemSchema>, { type: "item_reference" }>;

const functionTool = Type.Object({
  type: Type.Literal("function"),
  name: toolName(128, "_.-"),
  description: Type.Optional(Type.String()),
  parameters: Type.Optional(
    Type.Object(
      { type: Type.Optional(Type.Literal("object")), properties: Type.Optional(Type.Object({})) },
      { description: "A JSON schema of type object; absent means no parameters." },
    ),
  ),
  strict: Type.Optional(Type.Boolean({ description: "The arguments are held to the schema; only when true is said." })),
});

const format = Type.Union(
  [
    Type.Object({ type: Type.Literal("text") }),
    Type.Object({ type: Type.Literal("grammar"), syntax: Type.Enum(["lark", "regex"]), definition: Type.String({ minLength: 1 }) }),
  ],
  { description: "What the input is held to." },
);

const customTool = Type.Object({
  type: Type.Literal("custom"),
  name: toolName(128, "_.-"),
  description: Type.Optional(Type.String()),
  format: Type.Optional(format),
});

const namespaceTool = Type.Object({
  type: Type.Literal("namespace"),
  name: toolName(128, "_.-"),
  description: Type.Optional(Type.String()),
  tools: Type.Array(Type.Union([functionTool, customTool]), { maxItems: 1024 }),
});

/** Codex sends them with every request: left out of what the model sees, and named in the header of ignored fields. */
const ignoredTools = ["web_search", "image_generation", "tool_search", "local_shell"] as const;

const refusedTools = [
  "web_search_2025_08_26",
  "web_search_preview",
  "web_search_preview_2025_03_11",
  "file_search",
  "code_interpreter",
  "computer",
  "computer_use_preview",
  "shell",
  "apply_patch",
  "mcp",
  "programmatic_tool_calling",
] as const;

const ignoredTool = Type.Object({ type: Type.Enum([...ignoredTools]) }, { description: "Not served: the model does not see it." });
const notOursByType = (types: readonly string[]) => Object.fromEntries(types.map(type => [type, notOurs]));

export const toolSchema = Type.Union([functionTool, customTool, namespaceTool, ignoredTool], { "x-refused-types": notOursByType(refusedTools) });
export type FunctionTool = Static<typeof functionTool>;
export type CustomTool = Static<typeof customTool>;
export type WireTool = Static<typeof toolSchema>;

const named = Type.Object({ type: Type.Enum(["function", "custom"]), name, namespace });

export const toolChoiceSchema = Type.Union(
  [
    Type.Enum(["none", "auto", "required"]),
    named,
    Type.Object({
      type: Type.Literal("allowed_tools"),
      mode: Type.Enum(["auto", "required"]),
      tools: Type.Array(named, { minItems: 1, maxItems: 1024 }),
    }),
  ],
  {
    description:
      "`auto` lets the model decide, `none` hides the tools, `required` makes it call one, a named tool that one, `allowed_tools` hides all others.",
    "x-refused-types": notOursByType([...ignoredTools, ...refusedTools]),
  },
);

export const textSchema = Type.Object(
  {
    format: Type.Optional(
      Type.Union([
        Type.Object({ type: Type.Literal("text") }),
        Type.Object({ type: Type.Literal("json_object") }),
        Type.Object({
          type: Type.Literal("json_schema"),
          name: Type.Optional(Type.String()),
          schema: Type.Object({}),
          strict: Type.Optional(Type.Boolean()),
        }),
      ]),
    ),
    verbosity: Type.Optional(
      Type.Enum(["low", "medium", "high"], { description: "No effect: these models have no such control; ask for it in the prompt." }),
    ),
  },
  { description: "What the answer is held to while it is decoded." },
);

export const reasoningSchema = Type.Object(
  {
    effort: Type.Optional(
      Type.Enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"], {
        description: "`none` and `minimal` switch the model's thinking off, other values on, where its template has the switch.",
      }),
    ),
    summary: Type.Optional(Type.String({ description: "No effect: thinking is shown whole, under `content`." })),
    generate_summary: Type.Optional(Type.String({ description: "The older name of `summary`." })),
  },
  { description: "How the model thinks." },
);
