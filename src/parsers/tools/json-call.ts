// Reads one call written as a JSON object, {"name": "…", "arguments": {…}}, character by character. The arguments come out as they are
// written, from the moment the name is known. Formats differ in what stands around the object; that is theirs.
import type { ToolEvent } from "../types.ts";

export type CallState = "reading" | "done" | "broken";

/**
 * head     before the opening brace
 * key      a key or the closing brace comes next       colon   a colon comes next
 * value    a value comes next                          after   a comma or the closing brace comes next
 * inKey, inString, inNested, inScalar                  inside one
 */
type Expect = "head" | "key" | "colon" | "value" | "after" | "inKey" | "inString" | "inNested" | "inScalar";

const argumentKeys = ["arguments", "parameters"];

export class JsonCall {
  state: CallState = "reading";
  /** Once the call is announced it cannot be taken back: a broken rest belongs to its arguments. */
  announced = false;
  private expect: Expect = "head";
  private key = "";
  private name: string | undefined;
  private text = ""; // of the key or value being read
  private written = ""; // the arguments so far, whether announced or not
  private sent = 0;
  private hasArguments = false;
  private escaped = false;
  private quoted = false; // inside a string inside a nested value
  private brackets = ""; // the closing ones still to come, innermost last

  /** Reads until the object ends; returns how many characters belong to it. Afterwards `state` tells whether more are wanted. */
  read(text: string): number {
    let at = 0;
    for (; at < text.length && this.state === "reading"; at++) this.take(text.charAt(at));
    return this.state === "broken" ? at - 1 : at;
  }

  /** What has become known since the last call. */
  events(): ToolEvent[] {
    const events: ToolEvent[] = [];
    if (!this.announced && this.name !== undefined && (this.state === "done" || this.isArgumentsObject())) {
      this.announced = true;
      events.push({ type: "call", name: this.name });
    }
    if (this.announced && this.sent < this.written.length) {
      events.push({ type: "arguments", text: this.written.slice(this.sent) });
      this.sent = this.written.length;
    }
    return events;
  }

  /** The last events of an announced call, wherever it was left. */
  close(): ToolEvent[] {
    return [...this.events(), { type: "call-end", valid: isJsonObject(this.written) }];
  }

  private take(character: string): void {
    switch (this.expect) {
      case "inKey":
      case "inString":
        return this.takeInString(character);
      case "inNested":
        return this.takeInNested(character);
      case "inScalar":
        if (/[-+.\w]/.test(character)) return this.keep(character);
        this.endValue();
        return this.takeBetween(character);
      default:
        return this.takeBetween(character);
    }
  }

  private takeBetween(character: string): void {
    if (/\s/.test(character)) return;
    const { expect } = this;
    if (expect === "head" && character === "{") this.expect = "key";
    else if (expect === "key" && character === '"') this.begin("inKey", character);
    else if (expect === "colon" && character === ":") this.expect = "value";
    else if (expect === "value") this.beginValue(character);
    else if (expect === "after" && character === ",") this.expect = "key";
    else if ((expect === "after" || expect === "key") && character === "}") this.endObject();
    else this.state = "broken";
  }

  private begin(expect: Expect, character: string): void {
    this.expect = expect;
    this.text = "";
    this.keep(character);
  }

  private beginValue(character: string): void {
    if (this.isArguments() && this.hasArguments) this.key = ""; // the first ones count; they may be sent already
    if (this.isArguments()) this.hasArguments = true;
    if (character === '"') return this.begin("inString", character);
    if (character === "{" || character === "[") {
      this.brackets = character === "{" ? "}" : "]";
      return this.begin("inNested", character);
    }
    if (!/[-0-9a-zA-Z]/.test(character)) this.state = "broken";
    else this.begin("inScalar", character);
  }

  private takeInString(character: string): void {
    this.keep(character);
    if (this.escaped) this.escaped = false;
    else if (character === "\\") this.escaped = true;
    else if (character === '"') {
      if (this.expect === "inString") return this.endValue();
      this.key = String(parse(this.text));
      this.expect = "colon";
    }
  }

  private takeInNested(character: string): void {
    if (!this.quoted && character === "<") {
      this.state = "broken"; // markup where JSON has none: the object was left unfinished
      return;
    }
    this.keep(character);
    if (this.escaped) this.escaped = false;
    else if (this.quoted && character === "\\") this.escaped = true;
    else if (character === '"') this.quoted = !this.quoted;
    else if (this.quoted) return;
    else if (character === "{" || character === "[") this.brackets += character === "{" ? "}" : "]";
    else if (character === "}" || character === "]") {
      this.brackets = this.brackets.slice(0, -1); // of the wrong kind or not: the model meant to close something
      if (this.brackets === "") this.endValue();
    }
  }

  private keep(character: string): void {
    this.text += character;
    if (this.expect === "inNested" && this.isArguments()) this.written += character;
  }

  private endValue(): void {
    const nested = this.expect === "inNested";
    this.expect = "after";
    if (this.key === "name" && this.name === undefined) {
      const name = parse(this.text);
      if (typeof name === "string" && name !== "") this.name = name;
      else this.state = "broken";
    } else if (this.isArguments() && !nested) this.written = unwrap(this.text);
  }

  private endObject(): void {
    if (this.name === undefined) {
      this.state = "broken";
      return;
    }
    if (!this.hasArguments) this.written = "{}";
    this.state = "done";
  }

  private isArguments(): boolean {
    return argumentKeys.includes(this.key);
  }

  private isArgumentsObject(): boolean {
    return this.written.startsWith("{");
  }
}

/** Arguments that are no object as such: a string that holds one is common, null means none. */
function unwrap(text: string): string {
  const value = parse(text);
  if (value === null) return "{}";
  return typeof value === "string" && isJsonObject(value) ? value : text;
}

function isJsonObject(text: string): boolean {
  const value = parse(text);
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined when it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // models write what they like
  }
}
