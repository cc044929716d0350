// One JSON object or list, read character by character, whether or not it is good JSON.
import { parseObject } from "../../util/json.ts";

export class Nested {
  state: "reading" | "done" | "broken" = "reading";
  text = "";
  private closing = ""; // the brackets still to come, innermost last
  private quoted = false;
  private escaped = false;

  /** Says false to a character that does not belong to it. */
  take(character: string): boolean {
    if (!this.quoted && character === "<") {
      this.state = "broken"; // markup where JSON has none: the value was left unfinished
      return false;
    }
    this.text += character;
    if (this.escaped) this.escaped = false;
    else if (this.quoted && character === "\\") this.escaped = true;
    else if (character === '"') this.quoted = !this.quoted;
    else if (this.quoted) return true;
    else if (character === "{" || character === "[") this.closing += character === "{" ? "}" : "]";
    else if (character === "}" || character === "]") {
      this.closing = this.closing.slice(0, -1); // of the wrong kind or not: the model meant to close something
      if (this.closing === "") this.state = "done";
    }
    return true;
  }

  /** The brackets that a model forgot where it went on with markup; nothing when they would not make the value good JSON. */
  get missing(): string {
    const missing = [...this.closing].reverse().join("");
    return this.state === "broken" && isJson(this.text + missing) ? missing : "";
  }
}

function isJson(text: string): boolean {
  return parseJson(text) !== undefined;
}

export function isJsonObject(text: string): boolean {
  return parseObject(text) !== undefined;
}

/** Undefined when it is not JSON: models write what they like. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
