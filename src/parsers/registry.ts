// The formats that are known, by name and by the look of a chat template. To add one: its file, and a line here.
import { harmonyChannels } from "./reasoning/harmony.ts";
import { cohereTags, gemmaTags, glmTags, kimiVlTags, mistralTags, seedTags, thinkTags } from "./reasoning/tags.ts";
import { deepseekV32 } from "./tools/deepseek-v32.ts";
import { deepseek, deepseekV31 } from "./tools/deepseek.ts";
import { functionary } from "./tools/functionary.ts";
import { gemma } from "./tools/gemma.ts";
import { glm } from "./tools/glm.ts";
import { granite } from "./tools/granite.ts";
import { harmonyTools } from "./tools/harmony.ts";
import { hermes } from "./tools/hermes.ts";
import { kimi } from "./tools/kimi.ts";
import { liquid } from "./tools/liquid.ts";
import { llama, llamaPythonic } from "./tools/llama.ts";
import { minimax } from "./tools/minimax.ts";
import { mistral } from "./tools/mistral.ts";
import { nemotron } from "./tools/nemotron.ts";
import { qwen3Coder } from "./tools/qwen3-coder.ts";
import { seed } from "./tools/seed.ts";
import { xlam } from "./tools/xlam.ts";
import type { FormatHints, ReasoningFormat, ToolFormat } from "./types.ts";

/** In the order of detection: the more particular first. */
export const toolFormats: readonly ToolFormat[] = [
  harmonyTools,
  gemma,
  kimi,
  deepseekV32,
  deepseek,
  deepseekV31,
  mistral,
  minimax,
  glm,
  seed,
  nemotron,
  qwen3Coder,
  granite,
  functionary,
  hermes,
  llamaPythonic,
  llama,
  liquid,
  xlam,
];

/** For models whose template shows no format: told to, most can write this one. */
export const fallbackToolFormat: ToolFormat = hermes;

export const reasoningFormats: readonly ReasoningFormat[] = [
  harmonyChannels,
  gemmaTags,
  mistralTags,
  seedTags,
  cohereTags,
  kimiVlTags,
  glmTags,
  thinkTags,
];

/** "auto" (elsewhere "generic") asks the hints, "none" (or nothing found) is undefined: the text is left as it is. Throws for an unknown name. */
export function findToolFormat(name: string, hints: FormatHints): ToolFormat | undefined {
  return find("tool call", toolFormats, name, hints);
}

export function findReasoningFormat(name: string, hints: FormatHints): ReasoningFormat | undefined {
  return find("reasoning", reasoningFormats, name, hints);
}

export class UnknownFormatError extends Error {}

function find<F extends ToolFormat | ReasoningFormat>(kind: string, formats: readonly F[], name: string, hints: FormatHints): F | undefined {
  if (name === "none") return undefined;
  if (name === "auto" || name === "generic") return formats.find(format => format.detect(hints));
  const found = formats.find(format => format.name === name || format.aliases.includes(name));
  if (found) return found;
  const known = formats.flatMap(format => [format.name, ...format.aliases]).join(", ");
  throw new UnknownFormatError(`there is no ${kind} parser "${name}"; there are: auto, none, ${known}`);
}
