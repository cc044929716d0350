// Fields that mean the same in every dialect that has them → what steers decoding and the template.
import type { Generation } from "../chat/types.ts";

interface SamplingFields {
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly top_k?: number | undefined; // -1 is off, like 0
  readonly min_p?: number | undefined;
  readonly seed?: number | undefined;
  readonly repetition_penalty?: number | undefined;
  readonly frequency_penalty?: number | undefined;
  readonly presence_penalty?: number | undefined;
  readonly logit_bias?: Readonly<Record<string, number>> | undefined;
}

export function readSampling(body: SamplingFields): Generation["sampling"] {
  return {
    ...(body.temperature !== undefined && { temperature: body.temperature }),
    ...(body.top_p !== undefined && { topP: body.top_p }),
    ...(body.top_k !== undefined && { topK: Math.max(0, body.top_k) }),
    ...(body.min_p !== undefined && { minP: body.min_p }),
    ...(body.seed !== undefined && { seed: body.seed }),
    ...(body.repetition_penalty !== undefined && { repetitionPenalty: body.repetition_penalty }),
    ...(body.frequency_penalty !== undefined && { frequencyPenalty: body.frequency_penalty }),
    ...(body.presence_penalty !== undefined && { presencePenalty: body.presence_penalty }),
    ...(body.logit_bias && { logitBias: Object.entries(body.logit_bias).map(([id, bias]) => [Number(id), bias] as const) }),
  };
}

interface TemplateFields {
  readonly chat_template_kwargs?: object | undefined;
  readonly enable_thinking?: boolean | undefined;
}

/** An effort also switches thinking; what the request says of the template's variables itself comes before it. */
export function readTemplateOptions(effort: string | undefined, body: TemplateFields): Record<string, unknown> {
  return {
    ...(effort && { reasoning_effort: effort, enable_thinking: effort !== "none" && effort !== "minimal" }),
    ...body.chat_template_kwargs,
    ...(body.enable_thinking !== undefined && { enable_thinking: body.enable_thinking }),
  };
}

/** Of a request that only counts its prompt's tokens. */
export const noGeneration: Generation = { sampling: {}, stop: [], stopIds: [] };
