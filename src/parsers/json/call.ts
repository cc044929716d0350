// Reads one call written as a JSON object, {"name": "…", "arguments": {…}}, character by character. The arguments come out as they are
// written, from the moment the name is known. Formats differ in what stands around the object; that is theirs.
import type { CharacterReader } from "../source.ts";
import type { ToolEvent } from "../types.ts";
import { isJsonObject, Nested, parseJson } from "./nested.ts";

/**
 * head     before the opening brace
 * key      a key or the closing brace comes next       colon   a colon comes next
 * value    a value comes next                          after   a comma or the closing brace comes next
 * inKey, inString, inNested, inScalar                  inside one
 */
type Expect = "head" | "key" | "colon" | "value" | "after" | "inKey" | "inString" | "inNested" | "inScalar";

const argumentKeys = ["arguments", "parameters"];
const leadingKeys = ["name", "type", "id"]; // in a call that nothing marks as one, these come first

export interface JsonCallOptions {
  /** Given where no marker says that this is a call: an object counts only when it starts like one and names one of these. */
  readonly names?: ReadonlyMap<string, unknown> | undefined;
}

export class JsonCall implements CharacterReader {
  state: "reading" | "done" | "broken" = "reading";
  /** Once the call is announced it cannot be taken back: a broken rest belongs to its arguments. */
  announced = false;
  private expect: Expect = "head";
  private key = "";
  private name: string | undefined;
  private text = ""; // of the key or value being read
  private nested = new Nested();
  private written = ""; // the arguments so far, whether announced or not
  private sent = 0;
  private hasArguments = false;
  private escaped = false;

  constructor(private readonly options: JsonCallOptions = {}) {}

  get reading(): boolean {
    return this.state === "reading";
  }

  read(text: string): number {
    let at = 0;
    for (; at < text.length && this.reading; at++) this.take(text.charAt(at));
    return this.state === "broken" ? at - 1 : at;
  }

  events(): ToolEvent[] {
    const events: ToolEvent[] = [];
    if (!this.announced && this.name !== undefined && (this.state === "done" || this.written.startsWith("{"))) {
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
    if (this.expect === "inNested" && this.isArguments()) this.written += this.nested.missing;
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
        if (/[-+.\w]/.test(character)) this.text += character;
        else {
          this.endValue();
          this.takeBetween(character);
        }
        return;
      default:
        return this.takeBetween(character);
    }
  }

  private takeBetween(character: string): void {
    if (/\s/.test(character) || !this.reading) return;
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
    this.text = character;
  }

  private beginValue(character: string): void {
    if (this.isArguments() && this.hasArguments) this.key = ""; // the first ones count; they may be sent already
    if (this.isArguments()) this.hasArguments = true;
    if (character === '"') return this.begin("inString", character);
    if (character === "{" || character === "[") {
      this.nested = new Nested();
      this.expect = "inNested";
      return this.takeInNested(character);
    }
    if (!/[-0-9a-zA-Z]/.test(character)) this.state = "broken";
    else this.begin("inScalar", character);
  }

  private takeInString(character: string): void {
    this.text += character;
    if (this.escaped) this.escaped = false;
    else if (character === "\\") this.escaped = true;
    else if (character === '"') {
      if (this.expect === "inString") return this.endValue();
      this.endKey(String(parseJson(this.text)));
    }
  }

  private endKey(key: string): void {
    this.key = key;
    this.expect = "colon";
    if (this.options.names && this.name === undefined && !leadingKeys.includes(key)) this.state = "broken";
  }

  private takeInNested(character: string): void {
    if (!this.nested.take(character)) this.state = "broken";
    else if (this.isArguments()) this.written += character;
    if (this.nested.state === "done") this.endValue();
  }

  private endValue(): void {
    const nested = this.expect === "inNested";
    this.expect = "after";
    if (this.key === "name" && this.name === undefined) {
      const name = nested ? undefined : parseJson(this.text);
      const known = typeof name === "string" && name !== "" && (this.options.names?.has(name) ?? true);
      if (known) this.name = name;
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
}

/** Arguments that are no object as such: a string that holds one is common, null means none. */
function unwrap(text: string): string {
  const value = parseJson(text);
  if (value === null) return "{}";
  return typeof value === "string" && isJsonObject(value) ? value : text;
}
