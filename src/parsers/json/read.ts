// What formats that write JSON have in common: a call as one object, a list of such objects, arguments behind a name.
import type { Reading, Source } from "../source.ts";
import type { CharacterReader } from "../source.ts";
import type { ToolEvent } from "../types.ts";
import { JsonCall, type JsonCallOptions } from "./call.ts";
import { isJsonObject, Nested } from "./nested.ts";

/** One call as an object. False when it is none. */
export function* readCall(source: Source, options: JsonCallOptions = {}): Reading<boolean> {
  const call = new JsonCall(options);
  const start = source.at;
  yield* source.through(call);
  if (call.announced) yield* call.close();
  else source.at = start;
  return call.announced;
}

/** The rest of a list of calls, behind its bracket. False when nothing in it was a call. */
export function* readCalls(source: Source, options: JsonCallOptions = {}): Reading<boolean> {
  let found = false;
  for (;;) {
    yield* source.skipBlank();
    if (found && (yield* source.accept("]"))) return true;
    if (found && !(yield* source.accept(","))) return true;
    if (!(yield* readCall(source, options))) return found;
    found = true;
  }
}

export interface Named {
  readonly name: string;
  readonly id?: string;
}

/** A call whose name is known and whose arguments come next, as an object. Without an object: false, or no arguments before one of `empty`. */
export function* readArguments(source: Source, { name, id }: Named, empty: readonly string[] = []): Reading<boolean> {
  yield* source.skipBlank();
  const start = source.at;
  const first = yield* source.peek();
  if (first !== "{") {
    if (!(yield* source.accept(...empty))) return false;
    source.at = start;
  }
  yield { type: "call", name, ...(id !== undefined && { id }) };
  if (first !== "{") {
    yield { type: "arguments", text: "{}" };
    yield { type: "call-end", valid: true };
    return true;
  }
  const object = new ObjectReader();
  yield* source.through(object);
  yield* object.close();
  return true;
}

class ObjectReader implements CharacterReader {
  private readonly nested = new Nested();
  private sent = 0;

  get reading(): boolean {
    return this.nested.state === "reading";
  }

  read(text: string): number {
    let at = 0;
    while (at < text.length && this.reading && this.nested.take(text.charAt(at))) at++;
    return at;
  }

  events(): ToolEvent[] {
    const text = this.nested.text.slice(this.sent);
    this.sent += text.length;
    return text === "" ? [] : [{ type: "arguments", text }];
  }

  close(): ToolEvent[] {
    const { text, missing } = this.nested;
    const rest = text.slice(this.sent) + missing;
    return [...(rest === "" ? [] : [{ type: "arguments" as const, text: rest }]), { type: "call-end", valid: isJsonObject(text + missing) }];
  }
}
