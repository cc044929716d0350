// The shapes inside a request body of the OpenAI routes, as JSON schemas with the bounds that are enforced.
import Type from "typebox";
import { toolName } from "../common-fields.ts";

export const maxChoices = 16; // per prompt; each is a sequence of its own
export const maxPrompts = 128; // per completions request
const textOnly = "only text is read here";

const name = Type.Optional(Type.String({ maxLength: 256, description: "Tells participants of the same role apart." }));

const textPart = Type.Object({
  type: Type.Literal("text", { "x-refused": textOnly }),
  text: Type.String(),
});
const refusalPart = Type.Object({ type: Type.Literal("refusal", { "x-refused": textOnly }), refusal: Type.String() });

const content = Type.Union([Type.String(), Type.Array(textPart, { minItems: 1 })], {
  description: "Text, or text parts that are joined by line breaks.",
});

const refusedField = (reason: string) => Type.Optional(Type.Null({ description: `Refused: ${reason}.`, "x-refused": reason }));

const onlyOurs = "only function and custom tools are served";
const callId = Type.String({ minLength: 1, maxLength: 256 });

const functionCall = Type.Object({
  id: callId,
  type: Type.Optional(Type.Literal("function", { "x-refused": onlyOurs })),
  function: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 256 }),
    arguments: Type.String({ description: "JSON text, as the model wrote it." }),
  }),
});

const customCall = Type.Object({
  id: callId,
  type: Type.Literal("custom"),
  custom: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 256 }),
    input: Type.String({ description: "The text, as the model wrote it." }),
  }),
});

export const messageSchemas = {
  system: Type.Object({ role: Type.Literal("system"), content, name }),
  developer: Type.Object({ role: Type.Literal("developer"), content, name }),
  user: Type.Object({ role: Type.Literal("user"), content, name }),
  assistant: Type.Object({
    role: Type.Literal("assistant"),
    content: Type.Optional(Type.Union([Type.String(), Type.Array(Type.Union([textPart, refusalPart]))])),
    refusal: Type.Optional(Type.String()),
    reasoning: Type.Optional(Type.String({ description: "What the model thought; some templates show it to the model again." })),
    reasoning_content: Type.Optional(Type.String({ description: "Another name of `reasoning`." })),
    tool_calls: Type.Optional(Type.Array(Type.Union([functionCall, customCall]), { maxItems: 1024 })),
    audio: refusedField(textOnly),
    function_call: refusedField("deprecated by OpenAI; use tool_calls"),
    name,
  }),
  tool: Type.Object({
    role: Type.Literal("tool"),
    content,
    tool_call_id: Type.String({ minLength: 1, maxLength: 256, description: "The call that this answers." }),
    name,
  }),
};

export const messageSchema = Type.Union([
  messageSchemas.system,
  messageSchemas.developer,
  messageSchemas.user,
  messageSchemas.assistant,
  messageSchemas.tool,
]);

const functionTool = Type.Object({
  type: Type.Literal("function", { "x-refused": onlyOurs }),
  function: Type.Object({
    name: toolName(64, "_-"),
    description: Type.Optional(Type.String()),
    parameters: Type.Optional(
      Type.Object(
        { type: Type.Optional(Type.Literal("object")), properties: Type.Optional(Type.Object({})) },
        { description: "A JSON schema of type object; absent means no parameters." },
      ),
    ),
    strict: Type.Optional(Type.Boolean()),
  }),
});

const grammarFormat = Type.Object({
  type: Type.Literal("grammar"),
  grammar: Type.Object({ syntax: Type.Enum(["lark", "regex"]), definition: Type.String({ minLength: 1, maxLength: 1_048_576 }) }),
});

const customTool = Type.Object({
  type: Type.Literal("custom"),
  custom: Type.Object({
    name: toolName(64, "_-"),
    description: Type.Optional(Type.String()),
    format: Type.Optional(
      Type.Union([Type.Object({ type: Type.Literal("text") }), grammarFormat], { description: "What the input is held to while it is decoded." }),
    ),
  }),
});

export const toolSchema = Type.Union([functionTool, customTool]);

const named = Type.Object({ name: Type.String({ maxLength: 256 }) });
const namedFunction = Type.Object({ type: Type.Literal("function", { "x-refused": onlyOurs }), function: named });
const namedCustom = Type.Object({ type: Type.Literal("custom"), custom: named });

export const toolChoiceSchema = Type.Union(
  [
    Type.Enum(["none", "auto", "required"]),
    Type.Object({
      type: Type.Literal("allowed_tools"),
      allowed_tools: Type.Object({
        mode: Type.Enum(["auto", "required"]),
        tools: Type.Array(Type.Union([namedFunction, namedCustom]), { minItems: 1, maxItems: 1024 }),
      }),
    }),
    namedFunction,
    namedCustom,
  ],
  {
    description:
      "`auto` lets the model decide, `none` hides the tools, `required` makes it call one, a named tool makes it call that one, `allowed_tools` hides all others. Calls are enforced while decoding.",
  },
);

const jsonSchema = Type.Object({}, { description: "JSON Schema. Keywords that cannot be enforced are refused by name." });

export const responseFormatSchema = Type.Union(
  [
    Type.Object({ type: Type.Literal("text") }),
    Type.Object({ type: Type.Literal("json_object") }),
    Type.Object({
      type: Type.Literal("json_schema"),
      json_schema: Type.Object({
        name: Type.Optional(Type.String({ maxLength: 256 })),
        description: Type.Optional(Type.String()),
        schema: jsonSchema,
        strict: Type.Optional(Type.Boolean({ description: "No effect: every schema is enforced." })),
      }),
    }),
  ],
  { description: "What the answer is held to while it is decoded, after the model's thinking." },
);

const pattern = Type.String({ minLength: 1, maxLength: 65_536, description: "A regular expression that the whole answer matches." });
const choices = Type.Array(Type.String({ minLength: 1, maxLength: 65_536 }), {
  minItems: 1,
  maxItems: 16_384,
  description: "The answer is one of these.",
});
const grammar = Type.String({ minLength: 1, maxLength: 1_048_576, description: "A context-free grammar in Lark's form or in EBNF (GBNF)." });
const json = Type.Union([jsonSchema, Type.String({ minLength: 1 })], { description: "A JSON schema, or its text." });

/** vLLM's names for the same; each asks alone. */
export const guidedSchemas = { guided_json: json, guided_regex: pattern, guided_choice: choices, guided_grammar: grammar };

export const structuredOutputsSchema = Type.Object(
  {
    json: Type.Optional(json),
    regex: Type.Optional(pattern),
    choice: Type.Optional(choices),
    grammar: Type.Optional(grammar),
    json_object: Type.Optional(Type.Boolean()),
    structural_tag: refusedField("use tools with `strict`"),
  },
  { description: "vLLM's form of enforced output: exactly one of `json`, `regex`, `choice`, `grammar`, `json_object`." },
);

export const predictionSchema = Type.Object(
  { type: Type.Literal("content"), content },
  { description: "No effect: it tells what the answer may be, and changes none." },
);

export const stopSchema = Type.Union(
  [Type.String({ minLength: 1, maxLength: 1024 }), Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 16 })],
  { description: "Texts that end the answer, which does not contain them." },
);

const tokenId = Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 });

export const promptSchema = Type.Union(
  [
    Type.String(),
    Type.Array(tokenId, { minItems: 1 }),
    Type.Array(Type.String(), { minItems: 1, maxItems: maxPrompts }),
    Type.Array(Type.Array(tokenId, { minItems: 1 }), { minItems: 1, maxItems: maxPrompts }),
  ],
  { description: "One text or several, or their token ids." },
);
