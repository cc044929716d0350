// Tool calls of Gemma 4, with values of its own notation: <|tool_call>call:f{city:<|"|>Paris<|"|>,n:42}<tool_call|>. Older ones, told to
// call functions, write Python in a block of tool_code.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { parseJson } from "../json/nested.ts";
import type { Reading, Source } from "../source.ts";
import { acceptEnd } from "../values/markup.ts";
import { readPythonArguments, readPythonCall } from "../values/python-calls.ts";
import { ArgumentsWriter } from "../values/writer.ts";

const open = "<|tool_call>";
const close = "<tool_call|>";
const quote = '<|"|>';
const block = "```tool_code";

export const gemma = toolFormat({
  name: "gemma4",
  aliases: ["gemma", "functiongemma"],
  markers: [open, close, quote],
  detect: ({ template }) => template.includes(open) || template.includes("tool_code"),
  stops: ["<|tool_response>"],
  grammar: { openers: [open, block], closers: [close], call: readGemma },
  syntax: { between: "", before: name => `${open}call:${name}`, after: close },
});

function* readGemma(context: CallContext, opener: string): Reading<Found> {
  const { source, tools } = context;
  yield* source.skipBlank();
  if (opener === block) {
    if (!(yield* readPythonCall(context))) return "text";
    yield* acceptEnd(source, "```");
    return "call";
  }
  if (!(yield* source.accept("call:"))) return "text";
  const called = yield* source.until(["{", "("], 256);
  const name = called?.text.trim();
  if (!called || !name || !/^[\w.:/-]+$/.test(name)) return "text";
  yield { type: "call", name };
  if (called.marker === "(") yield* readPythonArguments(source, tools.get(name));
  else yield* readPairs(source, new ArgumentsWriter(tools.get(name)));
  return "call";
}

function* readPairs(source: Source, writer: ArgumentsWriter): Reading<void> {
  for (;;) {
    yield* source.skipBlank();
    if (yield* source.accept("}")) return yield* writer.end();
    const key = yield* readKey(source);
    if (key === undefined) return yield* writer.unfinished();
    const start = source.at;
    const value = yield* readValue(source);
    if (value === undefined) {
      source.at = start;
      return yield* writer.cutOff(key, (yield* source.toEnd()).trim().replace(/^<\|"\|>|^"/, ""));
    }
    yield* writer.json(key, value);
    yield* source.skipBlank();
    if (!(yield* source.accept(","))) {
      yield* source.accept("}");
      return yield* writer.end();
    }
  }
}

function* readKey(source: Source): Reading<string | undefined> {
  if (yield* source.accept(quote)) {
    const key = (yield* source.until([quote]))?.text;
    yield* source.skipBlank();
    return (yield* source.accept(":")) ? key : undefined;
  }
  if (yield* source.accept('"')) {
    const key = parseJson((yield* readQuoted(source)) ?? "");
    yield* source.skipBlank();
    return (yield* source.accept(":")) && typeof key === "string" ? key : undefined;
  }
  return (yield* source.until([":"], 256))?.text.trim();
}

/** A value as JSON; undefined when the text ends in it. */
function* readValue(source: Source, depth = 0): Reading<string | undefined> {
  yield* source.skipBlank();
  if (depth > 200) return undefined;
  if (yield* source.accept(quote)) {
    const text = (yield* source.until([quote]))?.text;
    return text === undefined ? undefined : JSON.stringify(text);
  }
  if (yield* source.accept('"')) return yield* readQuoted(source);
  if (yield* source.accept("{")) return yield* readItems(source, "}", depth + 1);
  if (yield* source.accept("[")) return yield* readItems(source, "]", depth + 1);
  return yield* readBare(source);
}

function* readItems(source: Source, end: "}" | "]", depth: number): Reading<string | undefined> {
  const items: string[] = [];
  for (;;) {
    yield* source.skipBlank();
    if (yield* source.accept(end)) return end === "}" ? `{${items.join(", ")}}` : `[${items.join(", ")}]`;
    const key = end === "}" ? yield* readKey(source) : "";
    const value = key === undefined ? undefined : yield* readValue(source, depth);
    if (key === undefined || value === undefined) return undefined;
    items.push(end === "}" ? `${JSON.stringify(key)}: ${value}` : value);
    yield* source.skipBlank();
    yield* source.accept(",");
  }
}

/** The rest of a text in ordinary quotes, as JSON. */
function* readQuoted(source: Source): Reading<string | undefined> {
  let text = '"';
  for (let escaped = false; ;) {
    const next = yield* source.peek();
    if (next === "") return undefined;
    const [piece] = source.take(1);
    text += piece!.text;
    if (next === '"' && !escaped) return parseJson(text) === undefined ? JSON.stringify(text.slice(1, -1)) : text;
    escaped = next === "\\" && !escaped;
  }
}

/** A number or true, false, null; another word is a text. */
function* readBare(source: Source): Reading<string | undefined> {
  let word = "";
  for (let next = yield* source.peek(); !/^[,}\]<]$/.test(next) && !source.isToken(next); next = yield* source.peek()) {
    if (next === "") return undefined;
    word += next;
    source.at++;
  }
  const text = word.trim();
  return parseJson(text) === undefined ? JSON.stringify(text) : text;
}
