// Tool calls of MiniMax M2: <minimax:tool_call><invoke name="f"><parameter name="k">v</parameter></invoke></minimax:tool_call>.
// M1 writes <tool_calls> and one JSON object per line.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { readCall } from "../json/read.ts";
import type { Reading } from "../source.ts";
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
  syntax: {
    open: `${open}\n`,
    between: "\n",
    close: `\n${close}`,
    before: name => `${tags.call.before}${name}${tags.call.after}\n`,
    after: tags.call.end,
    parameters: { before: name => tags.value.before + name + tags.value.after, after: `${tags.value.end}\n` },
  },
});

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
