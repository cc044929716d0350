// Tool calls of DeepSeek V3 and R1, ▁begin｜>function<｜tool▁sep｜>f and a fenced JSON object, and of V3.1, ▁begin｜>f<｜tool▁sep｜>{…}.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { readArguments } from "../json/read.ts";
import type { Reading } from "../source.ts";
import { acceptEnd } from "../values/markup.ts";

const section = "<｜tool▁calls▁begin｜>";
const sectionEnd = "<｜tool▁calls▁end｜>";
const open = "<｜tool▁call▁begin｜>";
const separator = "<｜tool▁sep｜>";
const close = "<｜tool▁call▁end｜>";

const markers = [section, sectionEnd, open, separator, close];
const name = /^[\w.:/-]+$/;

export const deepseek = toolFormat({
  name: "deepseek",
  aliases: ["deepseek_v3", "deepseek_r1"],
  markers,
  detect: ({ template }) => template.includes(open) && /json/.test(fences(template)),
  grammar: { openers: [section, open], closers: [close, sectionEnd], call: readDeepseek },
  syntax: {
    open: section,
    between: "\n",
    close: sectionEnd,
    before: name => `${open}function${separator}${name}\n\`\`\`json\n`,
    after: `\n\`\`\`${close}`,
  },
});

export const deepseekV31 = toolFormat({
  name: "deepseek_v31",
  aliases: ["deepseek_v3.1", "deepseek_v3_1"],
  markers,
  detect: ({ template }) => template.includes(open),
  grammar: { openers: [section, open], closers: [close, sectionEnd], call: readDeepseek },
  syntax: { open: section, between: "", close: sectionEnd, before: name => open + name + separator, after: close },
});

function fences(template: string): string {
  return template.includes("```") ? template : "";
}

function* readDeepseek({ source }: CallContext, opener: string): Reading<Found> {
  if (opener === section) {
    yield* source.skipBlank();
    if (!(yield* source.accept(open))) return "text";
  }
  const head = yield* source.until([separator, "\n"], 256);
  if (!head) return "text";
  let called = head.text.trim();
  if (head.marker === separator) {
    yield* source.skipBlank();
    const start = source.at;
    const ends = (yield* source.peek()) === "{" || (yield* source.accept(close)) !== undefined;
    source.at = start;
    if (!ends) called = (yield* source.until(["\n"], 256))?.text.trim() ?? "";
  }
  if (!name.test(called)) return "text";
  yield* source.skipBlank();
  const fence = yield* source.accept("```json", "```");
  if (!(yield* readArguments(source, { name: called }, [close]))) return "text";
  if (fence) yield* acceptEnd(source, "```");
  return "call";
}
