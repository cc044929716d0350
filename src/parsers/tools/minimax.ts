// Tool calls of MiniMax M2: <minimax:tool_call><invoke name="f"><parameter name="k">v</parameter></invoke></minimax:tool_call>.
// M1 writes <tool_calls> and one JSON object per line.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { readCall } from "../json/read.ts";
import type { Reading } from "../source.ts";
import type { WrittenCall } from "../types.ts";
import { namedValues } from "../values/function-tags.ts";
import { readMarkup, type Markup } from "../values/markup.ts";

const open = "<minimax:tool_call>";
const close = "</minimax:tool_call>";
const older = { open: "<tool_calls>", close: "</tool_calls>" };

const tags: Markup = {
  call: { before: '<invoke name="', after: '">', end: "</invoke>" },
  value: { before: '<parameter name="', after: '">', end: "</parameter>" },
};

export const minimax = toolFormat({
  name: "minimax",
  aliases: ["minimax_m2", "minimax_m1"],
  markers: [open, close],
  detect: ({ template }) => template.includes(open) || (template.includes(older.open) && template.includes("minimax")),
  grammar: { openers: [open, tags.call.before, older.open], closers: [close, older.close], call: readMinimax },
  write: calls => `${open}\n${calls.map(write).join("\n")}\n${close}`,
});

function write(call: WrittenCall): string {
  const values = namedValues(call).map(([key, text]) => `${tags.value.before}${key}${tags.value.after}${text}${tags.value.end}\n`);
  return `${tags.call.before}${call.name}${tags.call.after}\n${values.join("")}${tags.call.end}`;
}

function* readMinimax(context: CallContext, opener: string): Reading<Found> {
  const { source } = context;
  if (opener === older.open) {
    let found: Found = "text";
    while (yield* readCall(source)) found = "call";
    return found;
  }
  yield* source.skipBlank();
  if (opener === open && !(yield* source.accept(tags.call.before))) return "text";
  return yield* readMarkup(context, tags);
}
