// Tool calls as JSON between tags (Hermes, Qwen2.5, Qwen3): <tool_call>{"name": "f", "arguments": {…}}</tool_call>, any number of them.
// Between the same tags, or bare, the function may stand in tags of its own; models trained for one form are known to write the other.
import { toolFormat, type CallContext, type Found, type Grammar } from "../call-machine.ts";
import { readCall } from "../json/read.ts";
import type { Reading } from "../source.ts";
import { functionTags } from "../values/function-tags.ts";
import { readMarkup } from "../values/markup.ts";

const open = "<tool_call>";
const close = "</tool_call>";
const others = ["<function=", "<arg_key>", "<tool_calls>", "<tool_sep>"]; // formats that use the same tag

export const taggedGrammar: Grammar = {
  openers: [open, functionTags.call.before],
  closers: [close, functionTags.call.end],
  call: readTagged,
};

export const hermes = toolFormat({
  name: "hermes",
  aliases: ["nous", "qwen", "qwen3"],
  markers: [open, close],
  detect: ({ template }) => template.includes(open) && /\\?"name\\?"/.test(template) && !others.some(marker => template.includes(marker)),
  grammar: taggedGrammar,
  syntax: { between: "\n", before: name => `${open}\n{"name": "${name}", "arguments": `, after: `}\n${close}` },
});

export function* readTagged(context: CallContext, opener: string): Reading<Found> {
  const { source } = context;
  if (opener === functionTags.call.before) return yield* readMarkup(context, functionTags);
  yield* source.skipBlank();
  if (yield* source.accept(functionTags.call.before)) return yield* readMarkup(context, functionTags);
  if (!(yield* readCall(source))) return "text";
  for (;;) {
    while (yield* source.accept("}")) yield* source.skipBlank(); // some models close one brace too many,
    const start = source.at;
    yield* source.skipBlank();
    if ((yield* source.peek()) === "}") continue;
    if (yield* readCall(source)) continue; // or write two objects into one pair of tags
    source.at = start;
    return "call";
  }
}
