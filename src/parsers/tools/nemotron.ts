// Tool calls of Nemotron Nano 2: <TOOLCALL>[{"name": "f", "arguments": {…}}]</TOOLCALL>. Nemotron 3 writes Qwen3-Coder's tags.
import { toolFormat } from "../call-machine.ts";
import { readCalls } from "../json/read.ts";
import { readTagged, taggedGrammar } from "./hermes.ts";

const open = "<TOOLCALL>";
const close = "</TOOLCALL>";

export const nemotron = toolFormat({
  name: "nemotron",
  aliases: [],
  markers: [open, close, "<tool_call>", "</tool_call>"],
  detect: ({ template }) => template.includes(open),
  grammar: {
    openers: [open, ...taggedGrammar.openers],
    closers: [close, ...(taggedGrammar.closers ?? [])],
    *call(context, opener) {
      if (opener !== open) return yield* readTagged(context, opener);
      const { source } = context;
      yield* source.skipBlank();
      return (yield* source.accept("[")) && (yield* readCalls(source)) ? "call" : "text";
    },
  },
  syntax: { open: `${open}[`, between: ", ", close: `]${close}`, before: name => `{"name": "${name}", "arguments": `, after: "}" },
});
