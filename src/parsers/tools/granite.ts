// Tool calls of Granite 3: <|tool_call|>[{"name": "f", "arguments": {…}}]. Granite 4 writes Hermes' form.
import { toolFormat } from "../call-machine.ts";
import { readCall, readCalls } from "../json/read.ts";

const open = "<|tool_call|>";
const tag = "<tool_call>";

export const granite = toolFormat({
  name: "granite",
  aliases: ["granite3"],
  markers: [open],
  detect: ({ template }) => template.includes(open),
  grammar: {
    openers: [open, tag],
    closers: ["</tool_call>", "<|/tool_call|>"],
    *call({ source }) {
      yield* source.skipBlank();
      if (yield* source.accept("[")) return (yield* readCalls(source)) ? "call" : "text";
      return (yield* readCall(source)) ? "call" : "text";
    },
  },
  syntax: { open: `${open}[`, between: ", ", close: "]", before: name => `{"name": "${name}", "arguments": `, after: "}" },
});
