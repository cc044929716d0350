// The tokens of a Python literal.

export interface Token {
  readonly type: "string" | "number" | "word" | "sign";
  readonly value: string; // of a string, its text; of a number, as JSON writes it
}

const blank = /\s+/y;
const sign = /[[\](){},:]/y;
const number = /[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])/y;
const word = /[A-Za-z_]\w*/y;
const quote = /[rRuU]?("""|'''|"|')/y;

export function isToken(token: Token | undefined, value: string): boolean {
  return token?.type === "sign" && token.value === value;
}

/** Undefined when something in the text is no token. */
export function readTokens(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found;
  };
  while (at < text.length) {
    if (match(blank)) continue;
    const quoted = match(quote);
    if (quoted) {
      const string = readString(text, at, quoted[1]!, /^[rR]/.test(quoted[0]));
      if (!string) return undefined;
      tokens.push({ type: "string", value: string.value });
      at = string.end;
      continue;
    }
    const found = match(number) ?? match(word) ?? match(sign);
    if (!found) return undefined;
    const first = found[0].charAt(0);
    const type = /[-+.\d]/.test(first) ? "number" : /\w/.test(first) ? "word" : "sign";
    tokens.push({ type, value: type === "number" ? jsonNumber(found[0]) : found[0] });
  }
  return tokens;
}

/** JSON has no plus sign, no leading zeros, no bare points and no underscores. */
function jsonNumber(text: string): string {
  const plain = text.replaceAll("_", "").replace(/^\+/, "");
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(plain) ? plain : String(Number(plain));
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v", a: "\x07", "0": "\0", "\n": "" };

function readString(text: string, start: number, quotes: string, raw: boolean): { value: string; end: number } | undefined {
  let value = "";
  for (let at = start; at < text.length; at++) {
    if (text.startsWith(quotes, at)) return { value, end: at + quotes.length };
    const character = text.charAt(at);
    if (character !== "\\" || raw) value += character;
    else {
      const code = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y;
      code.lastIndex = at;
      const found = code.exec(text);
      const point = found && Number.parseInt(found[1] ?? found[2] ?? found[3] ?? "", 16);
      if (found && point !== null && point <= 0x10ffff) {
        value += found[3] ? String.fromCodePoint(point) : String.fromCharCode(point);
        at += found[0].length - 1;
      } else {
        const next = text.charAt(++at);
        value += escapes[next] ?? (/["'\\]/.test(next) ? next : `\\${next}`);
      }
    }
  }
  return undefined;
}
