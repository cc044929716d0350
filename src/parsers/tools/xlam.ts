// Tool calls of xLAM: a bare or fenced list, [{"name": "f", "arguments": {…}}], that names tools of the request.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { readCall, readCalls } from "../json/read.ts";
import type { Reading } from "../source.ts";
import { acceptEnd } from "../values/markup.ts";

const mark = "[TOOL_CALLS]";
const fences = ["```json", "```"];

export const xlam = toolFormat({
  name: "xlam",
  aliases: ["xlam2"],
  markers: [],
  detect: ({ template }) => /\[\s*\{\s*\\?["']name\\?["']/.test(template) && !template.includes("<tool_call>"),
  grammar: { openers: [mark, fences[0]!], bare: ["[", "{", "```"], call: readXlam },
  syntax: { open: "[", between: ", ", close: "]", before: name => `{"name": "${name}", "arguments": `, after: "}" },
});

function* readXlam({ source, tools }: CallContext, opener: string): Reading<Found> {
  const options = { names: opener === mark ? undefined : tools };
  if (opener === "[" || opener === "{") source.at -= 1;
  yield* source.skipBlank();
  const found = (yield* source.accept("[")) ? yield* readCalls(source, options) : yield* readCall(source, options);
  if (found && fences.includes(opener)) yield* acceptEnd(source, "```");
  return found ? "call" : "text";
}
