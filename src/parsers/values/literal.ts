// Python's literals as JSON: models that learned to call functions in Python, or to print Python values, write them.
import { isToken, readTokens, type Token } from "./literal-tokens.ts";

/** The value's JSON text; undefined when the text is no literal. */
export function literalToJson(text: string): string | undefined {
  const tokens = readTokens(text);
  if (!tokens) return undefined;
  const reader = new LiteralReader(tokens);
  const json = reader.value();
  return reader.done ? json : undefined;
}

const words: Readonly<Record<string, string>> = { True: "true", False: "false", None: "null", true: "true", false: "false", null: "null" };
const closing: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}" };
const deepest = 200;

class LiteralReader {
  private at = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  get done(): boolean {
    return this.at === this.tokens.length;
  }

  value(): string | undefined {
    const token = this.tokens[this.at++];
    if (!token || this.depth > deepest) return undefined;
    if (token.type === "string") return JSON.stringify(token.value + this.moreStrings());
    if (token.type === "number") return token.value;
    if (token.type === "word") return words[token.value];
    const end = closing[token.value];
    if (end === undefined) return undefined;
    this.depth++;
    const json = token.value === "{" ? this.braces() : this.list(end);
    this.depth--;
    return json;
  }

  /** Strings that stand beside each other are one. */
  private moreStrings(): string {
    let text = "";
    for (let next = this.tokens[this.at]; next?.type === "string"; next = this.tokens[++this.at]) text += next.value;
    return text;
  }

  private list(end: string): string | undefined {
    const items: string[] = [];
    while (!this.accept(end)) {
      const item = this.value();
      if (item === undefined) return undefined;
      items.push(item);
      if (!this.accept(",") && !isToken(this.tokens[this.at], end)) return undefined;
    }
    return end === ")" && items.length === 1 && !isToken(this.tokens[this.at - 2], ",") ? items[0] : `[${items.join(", ")}]`;
  }

  /** A dictionary, or a set, which JSON has as a list. */
  private braces(): string | undefined {
    const items: string[] = [];
    let pairs: boolean | undefined;
    while (!this.accept("}")) {
      const key = this.value();
      if (key === undefined) return undefined;
      const isPair = this.accept(":");
      if (pairs !== undefined && pairs !== isPair) return undefined;
      pairs = isPair;
      const value = isPair ? this.value() : undefined;
      if (isPair && value === undefined) return undefined;
      items.push(isPair ? `${key.startsWith('"') ? key : JSON.stringify(key)}: ${value}` : key);
      if (!this.accept(",") && !isToken(this.tokens[this.at], "}")) return undefined;
    }
    return pairs === false ? `[${items.join(", ")}]` : `{${items.join(", ")}}`;
  }

  private accept(sign: string): boolean {
    if (!isToken(this.tokens[this.at], sign)) return false;
    this.at++;
    return true;
  }
}
