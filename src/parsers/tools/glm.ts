// Tool calls of GLM-4.5 and later: <tool_call>f<arg_key>k</arg_key><arg_value>v</arg_value></tool_call>.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import type { Reading } from "../source.ts";
import { withoutEdges } from "../values/markup.ts";
import { ArgumentsWriter } from "../values/writer.ts";

const open = "<tool_call>";
const close = "</tool_call>";
const key = { open: "<arg_key>", close: "</arg_key>" };
const value = { open: "<arg_value>", close: "</arg_value>" };

export const glm = toolFormat({
  name: "glm47",
  aliases: ["glm4", "glm45", "glm4_moe", "poolside_v1"],
  markers: [open, close, key.open, key.close, value.open, value.close],
  detect: ({ template }) => template.includes(key.open),
  grammar: { openers: [open], call: readGlm },
  syntax: {
    between: "\n",
    before: name => `${open}${name}\n`,
    after: close,
    parameters: { before: name => `${key.open}${name}${key.close}\n${value.open}`, after: `${value.close}\n` },
  },
});

function* readGlm({ source, tools }: CallContext): Reading<Found> {
  const head = yield* source.until([key.open, close], 256);
  const name = head?.text.trim();
  if (!head || !name || !/^[\w.:/-]+$/.test(name)) return "text";
  yield { type: "call", name };
  const writer = new ArgumentsWriter(tools.get(name));
  let marker = head.marker;
  while (marker === key.open) {
    const called = yield* source.until([key.close], 256);
    yield* source.skipBlank();
    const next = called && (yield* source.accept(value.open, key.open, close));
    if (!called || !next) {
      yield* writer.unfinished();
      return "call";
    }
    marker = next;
    if (marker !== value.open) continue; // a key without a value
    const found = yield* source.until([value.close, close]);
    if (!found) {
      yield* writer.cutOff(called.text.trim(), withoutEdges(yield* source.toEnd()));
      return "call";
    }
    yield* writer.text(called.text.trim(), withoutEdges(found.text));
    yield* source.skipBlank();
    marker = found.marker === close ? close : ((yield* source.accept(key.open, close)) ?? close);
  }
  yield* writer.end();
  return "call";
}
