// Tool calls of Mistral's models behind [TOOL_CALLS]. Older ones write a list, [{"name": "f", "arguments": {…}}]; newer ones a name and its
// arguments, f{…} or f[ARGS]{…}, with the marker again before each call.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { readArguments, readCall, readCalls } from "../json/read.ts";
import type { Reading } from "../source.ts";

const open = "[TOOL_CALLS]";
const id = "[CALL_ID]";
const args = "[ARGS]";

export const mistral = toolFormat({
  name: "mistral",
  aliases: ["mistral_v11", "devstral"],
  markers: [open, id, args],
  detect: ({ template }) => template.includes(open),
  ids: "mistral",
  grammar: { openers: [open], call: readMistral },
  syntax: { between: "", before: name => open + name + args, after: "" },
});

function* readMistral({ source }: CallContext): Reading<Found> {
  yield* source.skipBlank();
  const first = yield* source.peek();
  if (first === "{") return (yield* readCall(source)) ? "call" : "text";
  if (first === "[" && (yield* source.accept("["))) return (yield* readCalls(source)) ? "call" : "text";
  const called = yield* source.until([args, id, "{"], 256);
  const name = called?.text.trim();
  if (!called || !name || !/^[\w.:/-]+$/.test(name)) return "text";
  if (called.marker === "{") source.at -= 1;
  const given = called.marker === id ? yield* source.until([args], 64) : undefined;
  if (called.marker === id && !given) return "text";
  return (yield* readArguments(source, { name, ...(given && { id: given.text.trim() }) })) ? "call" : "text";
}
