// Tool calls of Kimi K2, each with an id of its own: <|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{…}<|tool_call_end|>.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { readArguments } from "../json/read.ts";
import type { Reading } from "../source.ts";

const sections = ["<|tool_calls_section_begin|>", "<|tool_call_section_begin|>"];
const sectionEnds = ["<|tool_calls_section_end|>", "<|tool_call_section_end|>"];
const open = "<|tool_call_begin|>";
const separator = "<|tool_call_argument_begin|>";
const close = "<|tool_call_end|>";

export const kimi = toolFormat({
  name: "kimi",
  aliases: ["kimi_k2", "moonshot"],
  markers: [...sections, ...sectionEnds, open, separator, close],
  detect: ({ template }) => template.includes(open),
  ids: "kimi",
  grammar: { openers: [...sections, open], closers: [close, ...sectionEnds], call: readKimi },
  syntax: {
    open: sections[0]!,
    between: "",
    close: sectionEnds[0]!,
    before: name => `${open}functions.${name}:0${separator}`,
    after: close,
  },
});

function* readKimi({ source }: CallContext, opener: string): Reading<Found> {
  if (opener !== open) {
    yield* source.skipBlank();
    if (!(yield* source.accept(open))) return "text";
  }
  const id = (yield* source.until([separator], 256))?.text.trim();
  const parts = id && /^(functions\.)?([\w.:/-]+?)(:\d+)?$/.exec(id);
  if (!parts) return "text";
  const named = { name: parts[2]!, ...(parts[1] && parts[3] && { id }) };
  return (yield* readArguments(source, named, [close])) ? "call" : "text";
}
