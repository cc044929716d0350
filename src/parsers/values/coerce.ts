// Arguments become what the tool's schema asks for while they are streamed: an object where a text is wanted comes out as its text, "3"
// where a number is wanted as 3. Only the outermost values are looked at, and only those that wait for a decision are held back.
import { Nested, parseJson } from "../json/nested.ts";
import type { ToolSchema } from "../types.ts";
import { allows, propertyTypes, typeOf, type JsonType } from "./schema.ts";
import { textAs } from "./typed.ts";

/**
 * open, key, colon, after   what comes next: the brace, a key or the end, a colon, a comma or the end
 * inKey, value              in a key; before a value
 * nested, quoted            in an object or list as it is, or as the text that it becomes
 * string, scalar            in a value that is held until its end
 * pass                      everything from here on is left as it is
 */
type State = "open" | "key" | "inKey" | "colon" | "value" | "nested" | "quoted" | "string" | "scalar" | "after" | "pass";

export class ArgumentsCoercion {
  private state: State = "open";
  private held = ""; // the key or value being read
  private types: ReadonlySet<JsonType> | undefined;
  private nested = new Nested();
  private escaped = false;

  constructor(private readonly tool: ToolSchema | undefined) {
    if (!tool?.parameters?.["properties"]) this.state = "pass";
  }

  feed(text: string): string {
    let out = "";
    for (const character of text) out += this.take(character);
    return out;
  }

  /** The arguments are over, finished or not. */
  end(): string {
    const held = this.state === "string" || this.state === "scalar" ? this.held : "";
    this.held = "";
    return held;
  }

  private take(character: string): string {
    switch (this.state) {
      case "pass":
        return character;
      case "inKey":
        this.takeInKey(character);
        return character;
      case "nested":
      case "quoted":
        return this.takeNested(character);
      case "string":
        return this.takeInString(character);
      case "scalar":
        if (/[-+.\w]/.test(character)) this.held += character;
        else return this.coerceScalar() + this.takeBetween(character);
        return "";
      default:
        return this.takeBetween(character);
    }
  }

  private takeBetween(character: string): string {
    if (/\s/.test(character)) return character;
    if (this.state === "value") return this.beginValue(character);
    if (this.state === "open" && character === "{") this.state = "key";
    else if (this.state === "key" && character === '"') {
      this.state = "inKey";
      this.held = character;
    } else if (this.state === "colon" && character === ":") this.state = "value";
    else if (this.state === "after" && character === ",") this.state = "key";
    else this.state = "pass"; // the end, or no JSON
    return character;
  }

  private takeInKey(character: string): void {
    this.held += character;
    if (this.escaped) this.escaped = false;
    else if (character === "\\") this.escaped = true;
    else if (character === '"') {
      this.types = propertyTypes(this.tool?.parameters, String(parseJson(this.held)));
      this.held = "";
      this.state = "colon";
    }
  }

  private beginValue(character: string): string {
    const { types } = this;
    if (character === '"') {
      this.state = "string";
      this.held = character;
      return types && !types.has("string") ? "" : this.release();
    }
    if (character !== "{" && character !== "[") {
      this.state = "scalar";
      this.held = character;
      return "";
    }
    const fits = !types?.has("string") || types.has(character === "{" ? "object" : "array");
    this.state = fits ? "nested" : "quoted";
    this.nested = new Nested();
    return (fits ? "" : '"') + this.takeNested(character);
  }

  private takeNested(character: string): string {
    this.nested.take(character);
    const out = this.state === "quoted" && /["\\\u0000-\u001f]/.test(character) ? JSON.stringify(character).slice(1, -1) : character;
    if (this.nested.state === "reading") return out;
    const closed = this.state === "quoted" ? `${out}"` : out;
    this.state = "after";
    return closed;
  }

  private takeInString(character: string): string {
    this.held += character;
    const out = this.types && !this.types.has("string") ? "" : this.release();
    if (this.escaped) this.escaped = false;
    else if (character === "\\") this.escaped = true;
    else if (character === '"') {
      this.state = "after";
      const text = parseJson(this.release());
      if (out !== "" || typeof text !== "string") return out;
      return textAs(text, this.types!) ?? JSON.stringify(text);
    }
    return out;
  }

  private coerceScalar(): string {
    const text = this.release();
    const value = parseJson(text);
    this.state = "after";
    const misfit = this.types?.has("string") && value !== undefined && value !== null && !allows(this.types, typeOf(value));
    return misfit ? JSON.stringify(text) : text;
  }

  private release(): string {
    const { held } = this;
    this.held = "";
    return held;
  }
}
