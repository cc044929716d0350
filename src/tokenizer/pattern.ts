// A pattern of tokenizer.json as a regular expression that matches what the reference's engine, Oniguruma, would match.
import { SplitPreTokenizer } from "@huggingface/tokenizers";
import { isObject } from "../util/json.ts";
import { newToRegex } from "./unicode.ts";

/** Throws when it is no pattern or cannot be translated. */
export function readPattern(pattern: unknown): RegExp {
  if (!isObject(pattern) || (pattern["Regex"] ?? pattern["String"]) === undefined) throw new Error("a pattern is missing");
  // The library translates the dialect; its flags and its Unicode tables are changed here.
  const { pattern: translated } = new SplitPreTokenizer({ type: "Split", pattern, behavior: "Isolated", invert: false });
  if (!translated) throw new Error("a pattern is missing");
  return withOlderUnicode(translated.source);
}

/** Properties mean what they meant in Unicode 16. The source is one for the flag u; the result has v, which can subtract. */
export function withOlderUnicode(source: string): RegExp {
  let inClass = false;
  const older = source.replace(/\\[pP]\{[^}]+\}|\\u\{[^}]+\}|\\[\s\S]|[\s\S]/g, part => {
    if (part === "\\s") return "\\p{White_Space}";
    if (part === "\\S") return "\\P{White_Space}";
    if (part.startsWith("\\p{")) return olderProperty(part);
    if (part.startsWith("\\P{")) return `[^${olderProperty(part.replace("P", "p"))}]`;
    if (part === "[" && !inClass) {
      inClass = true;
      return part;
    }
    if (part === "]") inClass = false;
    return inClass && "()[{}/|&!#$%*+,.:;<=>?@`~".includes(part) ? `\\${part}` : part; // what v reserves
  });
  return new RegExp(older, "gv");
}

/** U+0295 became a letter without case in Unicode 17. */
function olderProperty(property: string): string {
  if (property === "\\p{White_Space}") return property;
  if (property === "\\p{Ll}") return `[[\\p{Ll}\\u0295]--[${newToRegex}]]`;
  return `[${property}--[${newToRegex}${property === "\\p{Lo}" ? "\\u0295" : ""}]]`;
}
