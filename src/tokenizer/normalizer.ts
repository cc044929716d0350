// The normalizer section of tokenizer.json as a function from text to text, character for character as the reference does it.
import { isObject, type Json } from "../util/json.ts";
import { readCharsMap } from "./charsmap.ts";
import { readPattern } from "./pattern.ts";
import { newControls, newMarks, newToNormalizer, oldMarks } from "./unicode.ts";

export type Normalize = (text: string) => string;

/** Throws for a kind of normalizer that is not supported, by its name. */
export function readNormalizer(section: unknown): Normalize {
  if (section === null || section === undefined) return text => text;
  if (!isObject(section)) throw new Error("the normalizer is no object");
  const type = section["type"];
  switch (type) {
    case "Sequence": {
      const inner = section["normalizers"];
      const steps = (Array.isArray(inner) ? inner : []).map(readNormalizer);
      return text => steps.reduce((result, step) => step(result), text);
    }
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return text => toForm(type, text);
    case "Lowercase":
      return toLower;
    case "Strip":
      return strip(section["strip_left"] !== false, section["strip_right"] !== false);
    case "StripAccents":
      return text => text.replace(/\p{M}/gu, "");
    case "Prepend": {
      const prefix = String(section["prepend"] ?? "");
      return text => (text === "" ? "" : prefix + text);
    }
    case "Replace": {
      const pattern = readPattern(section["pattern"]);
      const content = String(section["content"] ?? "");
      return text => text.replace(pattern, () => content);
    }
    case "Precompiled":
      return typeof section["precompiled_charsmap"] === "string" ? readCharsMap(section["precompiled_charsmap"]) : text => text;
    case "BertNormalizer":
      return bert(section);
  }
  throw new Error(`the normalizer "${String(type)}" is not supported`);
}

const unknown = new RegExp(`[${newToNormalizer}]`, "v");
const knownRuns = new RegExp(`[^${newToNormalizer}]+`, "gv");

/** A character that the reference does not know stays, and nothing is composed or put in order across it. */
function toForm(form: "NFC" | "NFD" | "NFKC" | "NFKD", text: string): string {
  return unknown.test(text) ? text.replace(knownRuns, run => run.normalize(form)) : text.normalize(form);
}

/** Each character by itself: a sigma at the end of a word is not special. */
function toLower(text: string): string {
  return text.replaceAll("Σ", "σ").toLowerCase();
}

function strip(left: boolean, right: boolean): Normalize {
  return text => {
    const start = left ? text.replace(/^\p{White_Space}+/u, "") : text;
    return right ? start.replace(/\p{White_Space}+$/u, "") : start;
  };
}

const bertControls = new RegExp(`[[\\p{Cc}\\p{Cf}\\p{Co}\\ufffd]--[\\t\\n\\r${newControls}]]`, "gv");
const bertMarks = new RegExp(`[[\\p{Mn}${oldMarks}]--[${newMarks}]]`, "gv");
/** Each of these becomes a word. The ranges are the reference's, which leaves a few out. */
const ideographs = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

function bert(section: Json): Normalize {
  const lowercase = section["lowercase"] !== false;
  const accents = section["strip_accents"] ?? lowercase;
  const steps: Normalize[] = [];
  if (section["clean_text"] !== false) steps.push(text => text.replace(bertControls, "").replace(/\p{White_Space}/gu, " "));
  if (section["handle_chinese_chars"] !== false) steps.push(text => text.replace(ideographs, " $& "));
  if (accents === true) steps.push(text => toForm("NFD", text).replace(bertMarks, ""));
  if (lowercase) steps.push(toLower);
  return text => steps.reduce((result, step) => step(result), text);
}
