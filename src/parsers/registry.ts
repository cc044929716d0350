// The formats that are known, by name and by the look of a chat template. To add one: its file, and a line here.
import { hermes } from "./tools/hermes.ts";
import { thinkTags } from "./reasoning/think-tags.ts";
import type { FormatHints, ReasoningFormat, ToolFormat } from "./types.ts";

/** In the order of detection: the more particular first. */
export const toolFormats: readonly ToolFormat[] = [hermes];
export const reasoningFormats: readonly ReasoningFormat[] = [thinkTags];

/** "auto" asks the hints, "none" (or nothing found) is undefined: the text is left as it is. Throws for an unknown name. */
export function findToolFormat(name: string, hints: FormatHints): ToolFormat | undefined {
  return find("tool call", toolFormats, name, hints);
}

export function findReasoningFormat(name: string, hints: FormatHints): ReasoningFormat | undefined {
  return find("reasoning", reasoningFormats, name, hints);
}

export class UnknownFormatError extends Error {}

function find<F extends ToolFormat | ReasoningFormat>(kind: string, formats: readonly F[], name: string, hints: FormatHints): F | undefined {
  if (name === "none") return undefined;
  if (name === "auto") return formats.find(format => format.detect(hints));
  const found = formats.find(format => format.name === name || format.aliases.includes(name));
  if (found) return found;
  const known = formats.flatMap(format => [format.name, ...format.aliases]).join(", ");
  throw new UnknownFormatError(`there is no ${kind} parser "${name}"; there are: auto, none, ${known}`);
}
