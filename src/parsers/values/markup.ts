// Calls whose name and arguments stand in tags, like <function=f><parameter=k>v</parameter></function>. Formats differ in the tags.
import type { CallContext, Found } from "../call-machine.ts";
import { readArguments } from "../json/read.ts";
import type { Reading, Source } from "../source.ts";
import { ArgumentsWriter } from "./writer.ts";

interface Tags {
  readonly before: string;
  readonly after: string; // between the name and what it is the name of
  readonly end: string;
}

export interface Markup {
  readonly call: Tags;
  readonly value: Tags;
  /** Values stand on lines of their own: a line break at either edge is markup. Otherwise only those at both edges together are. */
  readonly ownLines?: boolean;
}

const longestName = 256;
const name = /^[\w.:/-]+$/;

/** A call behind its first tag's beginning. Instead of values in tags there may be one JSON object. */
export function* readMarkup({ source, tools }: CallContext, markup: Markup): Reading<Found> {
  const { call, value } = markup;
  const called = (yield* source.until([call.after], longestName))?.text.trim();
  if (called === undefined || !name.test(called)) return "text";
  yield* source.skipBlank();
  if ((yield* source.peek()) === "{") {
    if (!(yield* readArguments(source, { name: called }))) return "text";
    yield* acceptEnd(source, call.end);
    return "call";
  }
  const start = source.at;
  if (!(yield* source.accept(value.before, call.end))) return "text";
  source.at = start;
  yield { type: "call", name: called };
  yield* readValues(source, markup, new ArgumentsWriter(tools.get(called)));
  return "call";
}

function* readValues(source: Source, { call, value, ownLines = false }: Markup, writer: ArgumentsWriter): Reading<void> {
  for (;;) {
    yield* source.skipBlank();
    if ((yield* source.accept(value.before, call.end)) !== value.before) return yield* writer.end(); // also where the end was forgotten
    const key = yield* source.until([value.after], longestName);
    if (!key) return yield* writer.unfinished();
    const { name, isText } = readKey(key.text);
    const found = yield* source.until([value.end, call.end]);
    if (!found) return yield* writer.cutOff(name, withoutEdges(yield* source.toEnd(), ownLines));
    if (isText) yield* writer.json(name, JSON.stringify(found.text));
    else yield* writer.text(name, withoutEdges(found.text, ownLines));
    if (found.marker === call.end) return yield* writer.end();
  }
}

/** Some formats say in an attribute whether the value is a text. */
function readKey(text: string): { readonly name: string; readonly isText: boolean } {
  const attribute = /^\s*([^"]*)"\s+string="(true|false)"?\s*$/.exec(text);
  return attribute ? { name: attribute[1]!.trim(), isText: attribute[2] === "true" } : { name: text.trim(), isText: false };
}

export function withoutEdges(text: string, ownLines = false): string {
  const both = /^\r?\n/.test(text) && /\n$/.test(text);
  return ownLines || both ? text.replace(/^\r?\n/, "").replace(/\r?\n$/, "") : text;
}

export function* acceptEnd(source: Source, ...ends: readonly string[]): Reading<void> {
  const start = source.at;
  yield* source.skipBlank();
  if (!(yield* source.accept(...ends))) source.at = start;
}
