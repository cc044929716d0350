// Calls as Python writes them, f(a=1, b="x"), alone or in a list. Each argument comes out, as JSON, when it is complete.
import type { CallContext } from "../call-machine.ts";
import type { CharacterReader, Reading, Source } from "../source.ts";
import type { ToolEvent, ToolSchema } from "../types.ts";
import { literalToJson } from "./literal.ts";
import { ArgumentsWriter } from "./writer.ts";

export interface PythonOptions {
  /** Given where no marker says that this is a call: then its name must be one of these. */
  readonly names?: ReadonlyMap<string, unknown>;
}

/** The rest of a list of calls, behind its bracket. False when it holds none. */
export function* readPythonCalls(context: CallContext, options: PythonOptions = {}): Reading<boolean> {
  const { source } = context;
  if (!(yield* readPythonCall(context, options))) return false;
  for (;;) {
    yield* source.skipBlank();
    const start = source.at;
    if ((yield* source.accept(",", "]")) !== ",") return true;
    if (yield* readPythonCall(context, options)) continue;
    source.at = start;
    return true;
  }
}

/** One call. False when it is none. */
export function* readPythonCall({ source, tools }: CallContext, { names }: PythonOptions = {}): Reading<boolean> {
  yield* source.skipBlank();
  const start = source.at;
  const name = yield* readWord(source);
  if (name === "" || !(names?.has(name) ?? true) || !(yield* source.accept("("))) {
    source.at = start;
    return false;
  }
  yield { type: "call", name };
  yield* readPythonArguments(source, tools.get(name));
  return true;
}

/** Arguments of an announced call, behind its bracket. */
export function* readPythonArguments(source: Source, tool: ToolSchema | undefined): Reading<void> {
  const writer = new ArgumentsWriter(tool);
  const parameters = Object.keys((tool?.parameters?.["properties"] as object | undefined) ?? {});
  for (let place = 0; ; place++) {
    yield* source.skipBlank();
    const argument = new Argument();
    yield* source.through(argument);
    const { key, value } = split(argument.text, parameters[place] ?? `arg${place}`);
    if (argument.reading) {
      if (value === "") return yield* writer.unfinished();
      return yield* writer.cutOff(key, value.replace(/^[rRuU]?("""|'''|"|')/, ""));
    }
    if (value !== "") yield* writer.json(key, literalToJson(value) ?? JSON.stringify(value));
    if (!(yield* source.accept(","))) break;
  }
  yield* source.accept(")");
  yield* writer.end();
}

function split(text: string, positional: string): { readonly key: string; readonly value: string } {
  const named = /^([A-Za-z_]\w*)\s*=(?!=)/.exec(text);
  return named ? { key: named[1]!, value: text.slice(named[0].length).trim() } : { key: positional, value: text.trim() };
}

function* readWord(source: Source): Reading<string> {
  let word = "";
  for (let next = yield* source.peek(); /^[\w.-]$/.test(next); next = yield* source.peek()) {
    word += next;
    source.at++;
  }
  return word;
}

/** Takes one argument up to the comma or bracket behind it. */
class Argument implements CharacterReader {
  reading = true;
  text = "";
  private quote = "";
  private state: "outside" | "opened" | "empty" | "string" | "triple" = "outside";
  private run = 0; // of quotes that may close a triple
  private escaped = false;
  private depth = 0;

  read(text: string): number {
    for (let at = 0; at < text.length; at++) {
      if (!this.take(text.charAt(at))) return at;
      this.text += text.charAt(at);
    }
    return text.length;
  }

  events(): ToolEvent[] {
    return [];
  }

  private take(character: string): boolean {
    switch (this.state) {
      case "opened":
        if (character === this.quote) this.state = "empty";
        else {
          this.state = "string";
          this.takeInString(character, 1);
        }
        return true;
      case "empty":
        if (character === this.quote) this.state = "triple";
        else this.state = "outside";
        return this.state === "triple" || this.takeOutside(character);
      case "string":
      case "triple":
        this.takeInString(character, this.state === "string" ? 1 : 3);
        return true;
      case "outside":
        return this.takeOutside(character);
    }
  }

  private takeInString(character: string, length: number): void {
    if (this.escaped) this.escaped = false;
    else if (character === "\\") this.escaped = true;
    else if (character === this.quote) {
      this.run++;
      if (this.run === length) this.state = "outside";
      else return;
    }
    this.run = 0;
  }

  private takeOutside(character: string): boolean {
    if (character === "<" || (this.depth === 0 && (character === "," || character === ")"))) {
      this.reading = false;
      return false;
    }
    if (character === "'" || character === '"') {
      this.quote = character;
      this.state = "opened";
    } else if ("([{".includes(character)) this.depth++;
    else if (")]}".includes(character)) this.depth--;
    return true;
  }
}
