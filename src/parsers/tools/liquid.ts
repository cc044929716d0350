// Tool calls of LFM2 as Python between two tokens: <|tool_call_start|>[f(a=1), g()]<|tool_call_end|>.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { readCall, readCalls } from "../json/read.ts";
import type { Reading } from "../source.ts";
import { writePythonCall } from "../write.ts";
import { readPythonCall, readPythonCalls } from "../values/python-calls.ts";

const open = "<|tool_call_start|>";
const close = "<|tool_call_end|>";

export const liquid = toolFormat({
  name: "liquidai",
  aliases: ["liquid", "lfm", "lfm2"],
  markers: [open, close],
  detect: ({ template, hasToken }) => template.includes(open) || (hasToken(open) && template.includes("tools")),
  grammar: { openers: [open], closers: [close], call: readLiquid },
  history: calls => `${open}[${calls.map(writePythonCall).join(", ")}]${close}`,
  syntax: { open: `${open}[`, between: ", ", close: `]${close}`, before: name => `{"name": "${name}", "arguments": `, after: "}" },
});

/** Told to, these models write JSON between their tokens. */
function* readLiquid(context: CallContext): Reading<Found> {
  const { source } = context;
  yield* source.skipBlank();
  const listed = yield* source.accept("[");
  yield* source.skipBlank();
  const json = (yield* source.peek()) === "{";
  if (json) return (listed ? yield* readCalls(source) : yield* readCall(source)) ? "call" : "text";
  return (listed ? yield* readPythonCalls(context) : yield* readPythonCall(context)) ? "call" : "text";
}
