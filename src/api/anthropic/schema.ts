// The shapes inside an Anthropic Messages body, as JSON schemas with the bounds that are enforced. Cache marks are accepted anywhere:
// prefixes are found by their content.
import Type from "typebox";
import { toolName } from "../common-fields.ts";

const noEyes = "images are not read here";
const noFiles = "only documents with plain text are read here";
const noServerTools = "tools that Anthropic's own servers run are not served here";

const text = Type.Object({ type: Type.Literal("text"), text: Type.String() });

const document = Type.Object({
  type: Type.Literal("document"),
  title: Type.Optional(Type.String()),
  context: Type.Optional(Type.String()),
  source: Type.Union(
    [
      Type.Object({ type: Type.Literal("text"), data: Type.String() }),
      Type.Object({ type: Type.Literal("content"), content: Type.Union([Type.String(), Type.Array(text)]) }),
    ],
    { "x-refused-types": { base64: noFiles, url: noFiles, file: noFiles } },
  ),
});

const searchResult = Type.Object({ type: Type.Literal("search_result"), title: Type.String(), source: Type.String(), content: Type.Array(text) });
const toolReference = Type.Object({ type: Type.Literal("tool_reference"), tool_name: Type.String() });

const resultContent = Type.Union([text, document, searchResult, toolReference], { "x-refused-types": { image: noEyes } });

const toolResult = Type.Object({
  type: Type.Literal("tool_result"),
  tool_use_id: Type.String({ minLength: 1, maxLength: 256, description: "The call that this answers." }),
  content: Type.Optional(Type.Union([Type.String(), Type.Array(resultContent)])),
  is_error: Type.Optional(Type.Boolean({ description: "The result is told as an error." })),
});

const toolUse = Type.Object({
  type: Type.Literal("tool_use"),
  id: Type.String({ minLength: 1, maxLength: 256 }),
  name: Type.String({ minLength: 1, maxLength: 256 }),
  input: Type.Object({}, { description: "The arguments." }),
});

const thinking = Type.Object({
  type: Type.Literal("thinking"),
  thinking: Type.String({ description: "Some templates show it to the model again." }),
  signature: Type.Optional(Type.String({ description: "Not checked." })),
});
const redactedThinking = Type.Object({
  type: Type.Literal("redacted_thinking"),
  data: Type.String({ description: "Left out: it cannot be read here." }),
});

const othersBlocks = Object.fromEntries(
  [
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "mcp_tool_use",
    "mcp_tool_result",
    "container_upload",
  ].map(type => [type, noServerTools]),
);

export const blockSchema = Type.Union([text, document, searchResult, toolUse, toolResult, thinking, redactedThinking], {
  "x-refused-types": { image: noEyes, ...othersBlocks },
});

export const messageSchema = Type.Object({
  role: Type.Enum(["user", "assistant", "system"]),
  content: Type.Union([Type.String(), Type.Array(blockSchema)], { description: "Text, or blocks." }),
});

export const systemSchema = Type.Union([Type.String(), Type.Array(text)], {
  description: "What stands before the conversation. Claude Code's billing line, which is new in every request, is left out.",
});

export const toolSchema = Type.Object({
  type: Type.Optional(Type.Literal("custom", { "x-refused": `${noServerTools}, and OpenAI's have another form` })),
  name: toolName(128, "_-"),
  description: Type.Optional(Type.String()),
  input_schema: Type.Object(
    { type: Type.Optional(Type.Literal("object")), properties: Type.Optional(Type.Object({})) },
    { description: "A JSON schema of type object." },
  ),
  strict: Type.Optional(Type.Boolean({ description: "The arguments are held to the schema." })),
});

const alone = { disable_parallel_tool_use: Type.Optional(Type.Boolean({ description: "One call per answer." })) };

export const toolChoiceSchema = Type.Union(
  [
    Type.Object({ type: Type.Literal("auto"), ...alone }),
    Type.Object({ type: Type.Literal("any"), ...alone }),
    Type.Object({ type: Type.Literal("tool"), name: Type.String(), ...alone }),
    Type.Object({ type: Type.Literal("none") }),
  ],
  { description: "`auto` lets the model decide, `any` makes it call a tool, `tool` a certain one, `none` hides them all." },
);

const display = Type.Optional(Type.Enum(["summarized", "omitted"], { description: "`omitted` leaves the text out; it is never summarized." }));

export const thinkingSchema = Type.Union(
  [
    Type.Object({
      type: Type.Literal("enabled"),
      budget_tokens: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: "Most tokens of thinking, below `max_tokens`." }),
      display,
    }),
    Type.Object({ type: Type.Literal("adaptive"), display }),
    Type.Object({ type: Type.Literal("disabled") }),
  ],
  { description: "Whether the model thinks before it answers, where its template has the switch; it does not when this is absent." },
);

export const outputConfigSchema = Type.Object(
  {
    effort: Type.Optional(Type.Enum(["low", "medium", "high", "xhigh", "max"], { description: "Told to the model's template." })),
    format: Type.Optional(
      Type.Object(
        { type: Type.Literal("json_schema"), schema: Type.Object({}) },
        { description: "The answer is held to the schema while it is decoded." },
      ),
    ),
  },
  { description: "How the model answers." },
);
