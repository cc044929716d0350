// The arguments of a call whose format gives them value by value, written as one JSON object.
import type { Reading } from "../source.ts";
import type { ToolSchema } from "../types.ts";
import { propertyTypes } from "./schema.ts";
import { textToJson } from "./typed.ts";

export class ArgumentsWriter {
  private readonly keys = new Set<string>();

  constructor(private readonly tool: ToolSchema | undefined) {}

  /** A value as text of no type. */
  *text(key: string, text: string): Reading<void> {
    yield* this.json(key, textToJson(text, propertyTypes(this.tool?.parameters, key)));
  }

  /** A value as JSON. Of two with one key the first counts: it may have been sent. */
  *json(key: string, json: string): Reading<void> {
    if (this.keys.has(key)) return;
    yield* this.write(this.begin(key) + json);
  }

  /** A value that the text ends in: like all that is cut off, it leaves the arguments unfinished. */
  *cutOff(key: string, text: string): Reading<void> {
    if (!this.keys.has(key)) yield* this.write(this.begin(key) + JSON.stringify(text).slice(0, -1));
    yield { type: "call-end", valid: false };
  }

  /** The text ends between values. */
  *unfinished(): Reading<void> {
    yield { type: "call-end", valid: false };
  }

  *end(): Reading<void> {
    yield* this.write(this.keys.size === 0 ? "{}" : "}");
    yield { type: "call-end", valid: true };
  }

  private begin(key: string): string {
    const before = this.keys.size === 0 ? "{" : ", ";
    this.keys.add(key);
    return `${before}${JSON.stringify(key)}: `;
  }

  private *write(text: string): Reading<void> {
    yield { type: "arguments", text };
  }
}
