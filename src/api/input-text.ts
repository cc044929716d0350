// The text inside {"input": "…"} while its JSON arrives in fragments: a custom tool's call, which a model writes as a function's.

const opening = /^\s*\{\s*"input"\s*:\s*"/;

export class InputText {
  private held = "";
  private place: "before" | "inside" | "after" = "before";

  /** What of the text is known now and was not before. Never ends inside an escape or between two halves of a character. */
  feed(fragment: string): string {
    if (this.place === "after") return "";
    this.held += fragment;
    if (this.place === "before") {
      const start = opening.exec(this.held);
      if (!start) return "";
      this.place = "inside";
      this.held = this.held.slice(start[0].length);
    }
    const { length, closed } = measure(this.held);
    const text = decode(this.held.slice(0, length));
    this.held = this.held.slice(length);
    if (closed) this.place = "after";
    return text;
  }

  /** What was held back: all that was written when it is not the expected object. */
  end(): string {
    return this.place === "after" ? "" : this.held;
  }
}

/** How much of an unfinished JSON text can be decoded already. */
function measure(json: string): { readonly length: number; readonly closed: boolean } {
  let at = 0;
  while (at < json.length) {
    if (json[at] === '"') return { length: at, closed: true };
    const size = json[at] !== "\\" ? 1 : json[at + 1] === "u" ? 6 : 2;
    if (at + size > json.length || (isHighHalf(json.slice(at, at + size)) && at + size * 2 > json.length)) break;
    at += size;
  }
  return { length: at, closed: false };
}

function isHighHalf(unit: string): boolean {
  return unit.length === 1 ? /[\ud800-\udbff]/.test(unit) : /^\\u[dD][89abAB]/.test(unit);
}

function decode(json: string): string {
  const strict = json.replace(/[\x00-\x1f]/g, control => JSON.stringify(control).slice(1, -1)); // models write line breaks as they are
  try {
    return JSON.parse(`"${strict}"`) as string;
  } catch {
    return json; // the model broke the rules of JSON; its own words then
  }
}
