// Every field that Ollama documents for its routes, each with its fate.
import Type from "typebox";
import { accepted, bodySchema, works, type Body } from "../body.ts";
import * as common from "../common-fields.ts";

const onlyText = "only text is read here";
const noEffect = (why: string) => Type.Optional(Type.Union([Type.Number(), Type.Boolean()], { description: `No effect: ${why}.` }));
const only = (value: number, why: string) => Type.Optional(Type.Literal(value, { description: `Only ${value}: ${why}.`, "x-refused": why }));
const images = Type.Array(Type.String({ maxLength: 0, "x-refused": onlyText }), {
  maxItems: 0,
  "x-refused": onlyText,
  description: "Only an empty list.",
});
const machine = noEffect("the server's flags say how the model is computed");

const options = Type.Object(
  {
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
    top_p: Type.Optional(common.topP.schema),
    top_k: Type.Optional(common.topK.schema),
    min_p: Type.Optional(common.minP.schema),
    seed: Type.Optional(Type.Integer({ minimum: -1, maximum: 2 ** 53, description: "-1 draws one." })),
    num_predict: Type.Optional(
      Type.Integer({ minimum: -2, maximum: 2 ** 31 - 1, description: "Upper bound of generated tokens; 0 and below mean the server's default." }),
    ),
    num_ctx: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2 ** 31 - 1,
        description: "No effect: the context is always as long as the model and --max-model-len allow.",
      }),
    ),
    stop: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 64, description: "Texts that end the answer." })),
    repeat_penalty: Type.Optional(Type.Number({ minimum: 0.01, maximum: 100, description: "Over prompt and answer; 1 is off." })),
    presence_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
    frequency_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
    repeat_last_n: only(-1, "penalties look at the whole text"),
    mirostat: only(0, "Mirostat sampling is not served"),
    mirostat_tau: noEffect("Mirostat is off"),
    mirostat_eta: noEffect("Mirostat is off"),
    tfs_z: only(1, "tail-free sampling is not served"),
    typical_p: only(1, "typical sampling is not served"),
    num_keep: noEffect("a prompt is never cut"),
    num_batch: machine,
    num_gpu: machine,
    main_gpu: machine,
    num_thread: machine,
    use_mmap: machine,
    use_mlock: machine,
    low_vram: machine,
    numa: machine,
  },
  { description: "How the answer is drawn." },
);

const format = Type.Union(
  [Type.Enum(["", "json"]), Type.Object({}, { description: "JSON Schema. Keywords that cannot be enforced are refused by name." })],
  {
    description: "What the answer is held to while it is decoded.",
  },
);
const think = Type.Union([Type.Boolean(), Type.Enum(["low", "medium", "high", "max"])], {
  description: "Switches the model's thinking on or off, or says how much, where its template has the switch.",
});
const keepAlive = accepted(
  Type.Union([Type.Number(), Type.String({ maxLength: 64 })], {
    description: "No effect: the model stays loaded while the server runs. 0, which asks to unload it, is refused.",
  }),
);

const call = Type.Object({
  id: Type.Optional(Type.String({ maxLength: 256 })),
  function: Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }), arguments: Type.Optional(Type.Object({})) }),
});
const message = Type.Object({
  role: Type.Enum(["system", "user", "assistant", "tool"]),
  content: Type.Optional(Type.String()),
  thinking: Type.Optional(Type.String()),
  images: Type.Optional(images),
  tool_calls: Type.Optional(Type.Array(call, { maxItems: 1024 })),
  tool_name: Type.Optional(Type.String({ maxLength: 256, description: "The tool whose result this is." })),
  tool_call_id: Type.Optional(Type.String({ maxLength: 256 })),
});
const tool = Type.Object({
  type: Type.Literal("function"),
  function: Type.Object({
    name: common.toolName(64, "_-"),
    description: Type.Optional(Type.String()),
    parameters: Type.Optional(Type.Object({}, { description: "A JSON schema of type object." })),
  }),
});

const model = works(
  Type.String({ minLength: 1, maxLength: 512, description: "A name of /api/tags, with or without `:latest`; absence means the default model." }),
);
const both = {
  model,
  stream: works(Type.Boolean({ description: "One JSON object per line while the answer is written.", default: true })),
  format: works(format),
  options: works(options),
  think: works(think),
  keep_alive: keepAlive,
};

export const chatFields = {
  ...both,
  messages: works(Type.Array(message, { description: "The conversation so far; with none the model is only said to be loaded." })),
  tools: works(Type.Array(tool, { maxItems: 1024, description: "Functions that the model may call." })),
};
export const generateFields = {
  ...both,
  prompt: works(Type.String({ description: "What the model is asked; without it the model is only said to be loaded." })),
  suffix: works(Type.String({ description: "The text after the gap that the answer fills, for models that were trained to." })),
  system: works(Type.String({ description: "A system message before the prompt." })),
  raw: works(Type.Boolean({ description: "The prompt as it is, without the chat template.", default: false })),
  template: accepted(
    Type.String({ maxLength: 0, description: "Only empty.", "x-refused": "the model's own template is used; --chat-template replaces it" }),
  ),
  context: accepted(Type.Array(Type.Number(), { maxItems: 0, description: "Only an empty list.", "x-refused": "use /api/chat for conversations" })),
  images: accepted(images),
};
export const embedFields = {
  model,
  input: works(
    Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 2048 })], {
      description: "One text or several.",
    }),
  ),
  truncate: works(
    Type.Boolean({
      description: "Whether longer texts than the model takes are cut, or refused; the server's --embedding-overflow-policy without it.",
    }),
  ),
  dimensions: works(Type.Integer({ minimum: 1, maximum: 65_536, description: "So many of a vector's first numbers, at length 1 again." })),
  keep_alive: keepAlive,
  options: accepted(Type.Object({}, { description: "No effect: nothing is drawn." })),
};
export const embeddingsFields = {
  model,
  prompt: works(Type.String({ minLength: 1, description: "One text." })),
  keep_alive: keepAlive,
  options: embedFields.options,
};
export const showFields = {
  model,
  name: works(Type.String({ minLength: 1, maxLength: 512, description: "The older name of `model`." })),
  verbose: accepted(Type.Boolean({ description: "No effect: vocabularies are not listed." })),
};

export type ChatBody = Body<typeof chatFields>;
export type GenerateBody = Body<typeof generateFields>;
export type EmbedBody = Body<typeof embedFields>;
export type EmbeddingsBody = Body<typeof embeddingsFields>;
export type ShowBody = Body<typeof showFields>;

export const chatBodySchema = bodySchema(chatFields, []);
export const generateBodySchema = bodySchema(generateFields, []);
export const embedBodySchema = bodySchema(embedFields, ["input"]);
export const embeddingsBodySchema = bodySchema(embeddingsFields, ["prompt"]);
export const showBodySchema = bodySchema(showFields, []);
