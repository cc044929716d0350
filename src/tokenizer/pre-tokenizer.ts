// The pre_tokenizer section of tokenizer.json as a function that cuts a normalized text into the words that are encoded one by one.
import { isObject, type Json } from "../util/json.ts";
import { readPattern, withOlderUnicode } from "./pattern.ts";
import { newPunctuation, oldPunctuation } from "./unicode.ts";
import { spellBytes } from "./pieces.ts";

/** `first`: the text begins the whole input. */
export type Cut = (text: string, first: boolean) => string[];

/** Throws for a kind that is not supported, by its name. */
export function readPreTokenizer(section: unknown): Cut {
  if (section === null || section === undefined) return text => [text];
  if (!isObject(section)) throw new Error("the pre-tokenizer is no object");
  switch (section["type"]) {
    case "Sequence": {
      const inner = section["pretokenizers"];
      const steps = (Array.isArray(inner) ? inner : []).map(readPreTokenizer);
      // Only the first piece of a step begins what the next one reads.
      return (text, first) => steps.reduce((words, step) => words.flatMap((word, at) => step(word, first && at === 0)), [text]);
    }
    case "ByteLevel":
      return byteLevel(section);
    case "Metaspace":
      return metaspace(section);
    case "Split":
      return splitter(readPattern(section["pattern"]), String(section["behavior"] ?? "Isolated"), section["invert"] === true);
    case "Punctuation":
      return splitter(punctuation, String(section["behavior"] ?? "Isolated"), false);
    case "Digits":
      return splitter(/\p{N}/gu, section["individual_digits"] === true ? "Isolated" : "Contiguous", false);
    case "Whitespace":
      return splitter(
        withOlderUnicode("[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]+|[^\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}\\s]+"),
        "Removed",
        true,
      );
    case "WhitespaceSplit":
      return splitter(/\p{White_Space}/gu, "Removed", false);
    case "BertPreTokenizer": {
      const words = splitter(/\p{White_Space}/gu, "Removed", false);
      const marks = splitter(punctuation, "Isolated", false);
      return (text, first) => words(text, first).flatMap(word => marks(word, false));
    }
  }
  throw new Error(`the pre-tokenizer "${String(section["type"])}" is not supported`);
}

const punctuation = new RegExp(`[[\\p{P}\\p{ASCII}${oldPunctuation}]--[\\p{Cc} 0-9A-Za-z${newPunctuation}]]`, "gv");

const gpt2 = withOlderUnicode("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

function byteLevel(section: Json): Cut {
  const prefix = section["add_prefix_space"] === true;
  const words = section["use_regex"] === false ? (text: string) => [text] : splitter(gpt2, "Isolated", false);
  return (text, first) => words(prefix && !text.startsWith(" ") ? ` ${text}` : text, first).map(spellBytes);
}

/** A space becomes a visible mark, each word begins with one. */
function metaspace(section: Json): Cut {
  const mark = String(section["replacement"] ?? "▁");
  const scheme = section["prepend_scheme"] ?? (section["add_prefix_space"] === false ? "never" : "always");
  const split = section["split"] !== false;
  const words = splitter(new RegExp(mark.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gu"), "MergedWithNext", false);
  return (text, first) => {
    const marked = text.replaceAll(" ", mark);
    const whole = !marked.startsWith(mark) && (scheme === "always" || (scheme === "first" && first)) ? mark + marked : marked;
    return split ? words(whole, first) : [whole];
  };
}

interface Part {
  readonly text: string;
  readonly match: boolean;
}

function splitter(pattern: RegExp, behavior: string, invert: boolean): Cut {
  const join = joins[behavior];
  if (!join) throw new Error(`the split behavior "${behavior}" is not supported`);
  return text => join(parts(text, pattern, invert)).filter(word => word !== "");
}

function parts(text: string, pattern: RegExp, invert: boolean): Part[] {
  const all: Part[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    if (index > end) all.push({ text: text.slice(end, index), match: invert });
    if (found !== "") all.push({ text: found, match: !invert });
    end = index + found.length;
  }
  if (end < text.length) all.push({ text: text.slice(end), match: invert });
  return all;
}

/** What becomes of the matches beside the texts between them. */
const joins: Readonly<Record<string, (all: readonly Part[]) => string[]>> = {
  Removed: all => all.filter(({ match }) => !match).map(({ text }) => text),
  Isolated: all => all.map(({ text }) => text),
  Contiguous: all => fold(all, (before, part) => before.match === part.match),
  MergedWithPrevious: all => fold(all, (before, part) => part.match && !before.match),
  MergedWithNext: all => fold(all, (before, part) => before.match && !part.match),
};

function fold(all: readonly Part[], together: (before: Part, part: Part) => boolean): string[] {
  const words: string[] = [];
  for (const [at, part] of all.entries()) {
    const before = all[at - 1];
    if (before && together(before, part)) words[words.length - 1] += part.text;
    else words.push(part.text);
  }
  return words;
}
