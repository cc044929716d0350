// Fields that mean the same in every dialect that has them.
import Type from "typebox";
import { accepted, works } from "./body.ts";

export const modelField = (description: string) => works(Type.String({ minLength: 1, maxLength: 512, description }));

export const servedModel = modelField('The served model\'s id or one of its aliases; "default" and absence mean the default model.');
export const stream = works(Type.Boolean({ description: "Sends the answer as server-sent events while it is written.", default: false }));
export const timeout = works(Type.Number({ exclusiveMinimum: 0, maximum: 86_400, description: "Seconds until the request is given up." }));
export const encoderPriority = works(
  Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1, description: "Lower is served first, and alone; 0 without it." }),
);
export const parallelToolCalls = works(Type.Boolean({ description: "false allows one call per answer.", default: true }));
export const topK = works(Type.Integer({ minimum: -1, maximum: 2 ** 31 - 1, description: "Draws from the k likeliest tokens; 0 and -1 are off." }));
export const minP = works(
  Type.Number({ minimum: 0, maximum: 1, description: "Drops tokens below this share of the likeliest token's probability; 0 is off." }),
);
export const topP = works(
  Type.Number({ minimum: 0, maximum: 1, description: "Draws from the smallest set of tokens with this much probability; 1 is off." }),
);
export const seed = works(
  Type.Integer({ minimum: -(2 ** 63), maximum: 2 ** 63, description: "The same seed, request and server settings give the same answer." }),
);
export const enableThinking = works(Type.Boolean({ description: "Switches the model's thinking on or off, where its template has the switch." }));
export const templateVariables = works(Type.Object({}, { description: "Further variables for the model's chat template." }));

/** The name of a tool: letters, digits and `signs`. */
export const toolName = (most: number, signs: "_-" | "_.-") =>
  Type.String({ pattern: `^[A-Za-z0-9${signs}]{1,${most}}$`, "x-form": `1 to ${most} characters out of A-Z, a-z, 0-9 and ${signs}` });

/** What changes no answer here. */
export const promptCacheFields = {
  prompt_cache_key: accepted(Type.String({ description: "No effect: shared prefixes are found by their content." })),
  prompt_cache_options: accepted(Type.Object({}, { description: "No effect: shared prefixes are found by their content." })),
  prompt_cache_retention: accepted(Type.String({ description: "No effect: cached prefixes stay until their room is needed." })),
};
export const serviceTier = accepted(
  Type.Enum(["auto", "default"], { description: "Only `auto` and `default`, which are the same here.", "x-refused": "there is one tier here" }),
);
