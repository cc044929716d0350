// Tool calls of Functionary, which names who is spoken to: v2 <|recipient|>f<|content|>{…}, v3.2 >>>f and a line of its own, v3.1
// <function=f>{…}</function>. The prompt ends with the marker, so an answer begins with the recipient; "all" and "user" is the reader.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { readArguments, readCalls } from "../json/read.ts";
import type { Reading, Source } from "../source.ts";
import { functionTags } from "../values/function-tags.ts";
import { readMarkup } from "../values/markup.ts";

const from = "<|from|>";
const recipient = "<|recipient|>";
const content = "<|content|>";
const next = ">>>";
const readers = ["all", "user"];

export const functionary = toolFormat({
  name: "functionary",
  aliases: ["meetkai", "functionary_v3"],
  markers: [from, recipient, content],
  detect: ({ template }) => template.includes(recipient) || template.includes(`${next}all`) || template.includes(`'${next}'`),
  grammar: {
    openers: [from, recipient, next, functionTags.call.before],
    closers: [functionTags.call.end],
    bare: ["["],
    start: ({ source, tools }) => readRecipient(source, name => tools.has(name) || readers.includes(name)),
    call: readFunctionary,
  },
  syntax: { between: "", before: name => `${functionTags.call.before}${name}${functionTags.call.after}`, after: functionTags.call.end },
});

function* readFunctionary(context: CallContext, opener: string): Reading<Found> {
  const { source, tools } = context;
  if (opener === functionTags.call.before) return yield* readMarkup(context, functionTags);
  if (opener === "[") return (yield* readCalls(source, { names: tools })) ? "call" : "text";
  if (opener === from) {
    if (!(yield* source.until([recipient], 64))) return "text";
  }
  return yield* readRecipient(source, name => opener !== next || tools.has(name) || readers.includes(name));
}

function* readRecipient(source: Source, known: (name: string) => boolean): Reading<Found> {
  yield* source.skipBlank();
  let name = "";
  for (let here = yield* source.peek(); /^[\w.:/-]$/.test(here); here = yield* source.peek()) {
    name += here;
    source.at++;
  }
  if (name === "" || !known(name)) return "text";
  if (/^\s$/.test(yield* source.peek())) yield* source.skipBlank();
  else if ((yield* source.peek()) === "") return "text";
  const marked = yield* source.accept(content);
  if (readers.includes(name)) return "markup";
  const start = source.at;
  if (yield* readArguments(source, { name })) return "call";
  source.at = start;
  return marked ? "markup" : "text";
}
