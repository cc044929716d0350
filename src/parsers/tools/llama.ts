// Tool calls of Llama. 3.1 to 3.3 answer with a bare object, {"name": "f", "parameters": {…}}, or one behind <|python_tag|>, or with
// <function=f>{…}</function>; 3.2's small ones and 4 with Python, [f(a=1), g()]. Bare forms count only where they name a tool of the request.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { readCall, readCalls } from "../json/read.ts";
import type { Reading } from "../source.ts";
import type { CallSyntax } from "../syntax.ts";
import { functionTags } from "../values/function-tags.ts";
import { acceptEnd, readMarkup } from "../values/markup.ts";
import { writePythonCall } from "../write.ts";
import { readPythonCall, readPythonCalls } from "../values/python-calls.ts";

const tag = "<|python_tag|>";
const python = { open: "<|python_start|>", close: "<|python_end|>" };
const markers = [tag, python.open, python.close];

const grammar = {
  openers: [tag, python.open, functionTags.call.before],
  closers: [python.close, functionTags.call.end],
  bare: ["{", "["],
  call: readLlama,
};

const syntax: CallSyntax = { between: "; ", before: name => `{"name": "${name}", "parameters": `, after: "}" };

export const llama = toolFormat({
  name: "llama",
  aliases: ["llama3", "llama3_json", "llama4", "llama4_json"],
  markers,
  detect: ({ template, hasToken }) => template.includes(tag) || (template.includes("ipython") && hasToken(tag) && /"parameters\\?"/.test(template)),
  grammar,
  syntax,
});

export const llamaPythonic = toolFormat({
  name: "llama_pythonic",
  aliases: ["llama3_pythonic", "llama4_pythonic", "pythonic"],
  markers,
  detect: ({ template }) => /\[\s*\w*func\w*\(/.test(template),
  grammar,
  history: calls => `[${calls.map(writePythonCall).join(", ")}]`,
  syntax,
});

function* readLlama(context: CallContext, opener: string): Reading<Found> {
  const { source, tools } = context;
  if (opener === functionTags.call.before) return yield* readMarkup(context, functionTags);
  const names = opener === "{" || opener === "[" ? tools : undefined;
  if (names) source.at -= 1;
  yield* source.skipBlank();
  const listed = yield* source.accept("[");
  yield* source.skipBlank();
  const options = { names };
  if ((yield* source.peek()) === "{") {
    if (!(listed ? yield* readCalls(source, options) : yield* readCall(source, options))) return "text";
    yield* acceptEnd(source, ";"); // stands between several
    return "call";
  }
  const given = names && { names };
  return (listed ? yield* readPythonCalls(context, given) : !names && (yield* readPythonCall(context))) ? "call" : "text";
}
