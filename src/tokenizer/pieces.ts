// What each vocabulary entry spells: the decoder section of tokenizer.json as a function from one entry to bytes, plus the rule for the
// start of a text. Every decoder a language model uses has this form, so a stream of ids is a stream of bytes (stream.ts).
import { TokenizerError } from "./error.ts";
import { isObject, type Json } from "../util/json.ts";
import { toBytes } from "./utf8.ts";
import { messageOf } from "../util/message-of.ts";

export interface Spelling {
  /** The bytes of one entry; `added` entries are written out rather than encoded. */
  readonly bytesOf: (entry: string, added: boolean) => Uint8Array;
  /** Spaces dropped at the start of a text (SentencePiece puts one before the first word). */
  readonly leadingSpaces: number;
}

interface Steps {
  readonly maps: ((entry: string) => string)[];
  byteLevel: boolean;
  byteFallback: boolean;
  fused: boolean;
  leadingSpaces: number;
}

/** Throws TokenizerError for a decoder that does not work entry by entry. */
export function readSpelling(decoder: unknown, path: string): Spelling {
  const steps: Steps = { maps: [], byteLevel: false, byteFallback: false, fused: false, leadingSpaces: 0 };
  if (decoder === null || decoder === undefined) separateWords(steps, entry => ` ${entry}`);
  else addStep(steps, decoder, path);
  const spell = (entry: string) => steps.maps.reduce((text, map) => map(text), entry);
  return {
    leadingSpaces: steps.leadingSpaces,
    bytesOf: (entry, added) => {
      if (steps.byteLevel) return added ? toBytes(entry) : (unspellBytes(entry) ?? toBytes(entry));
      const byte = steps.byteFallback ? /^<0x([0-9A-Fa-f]{2})>$/.exec(entry)?.[1] : undefined;
      return byte ? Uint8Array.of(parseInt(byte, 16)) : toBytes(spell(entry));
    },
  };
}

function addStep(steps: Steps, decoder: unknown, path: string): void {
  const type = isObject(decoder) ? decoder["type"] : undefined;
  if (!isObject(decoder)) throw new TokenizerError(`${path}: the decoder is no object`);
  switch (type) {
    case "Sequence":
      for (const inner of list(decoder["decoders"])) addStep(steps, inner, path);
      return;
    case "ByteLevel":
      steps.byteLevel = true;
      return;
    case "ByteFallback":
      steps.byteFallback = true;
      return;
    case "Fuse":
      steps.fused = true;
      return;
    case "Replace":
      if (steps.fused) break; // would match across entries
      steps.maps.push(readReplace(decoder, path));
      return;
    case "Strip":
      if (addStrip(steps, decoder)) return;
      break;
    case "Metaspace": {
      const replacement = typeof decoder["replacement"] === "string" ? decoder["replacement"] : "▁";
      steps.maps.push(entry => entry.replaceAll(replacement, " "));
      if (decoder["prepend_scheme"] !== "never" && decoder["add_prefix_space"] !== false) steps.leadingSpaces = 1;
      return;
    }
    case "WordPiece": {
      const prefix = typeof decoder["prefix"] === "string" ? decoder["prefix"] : "##";
      separateWords(steps, entry => (prefix && entry.startsWith(prefix) ? entry.slice(prefix.length) : ` ${entry}`));
      return;
    }
  }
  throw new TokenizerError(`${path}: the decoder "${String(type)}" is not supported${steps.fused ? " after Fuse" : ""}`);
}

function separateWords(steps: Steps, map: (entry: string) => string): void {
  steps.maps.push(map);
  steps.leadingSpaces = 1;
}

function readReplace(decoder: Json, path: string): (entry: string) => string {
  const pattern = isObject(decoder["pattern"]) ? decoder["pattern"] : {};
  const content = typeof decoder["content"] === "string" ? decoder["content"] : "";
  if (typeof pattern["String"] === "string") {
    const from = pattern["String"];
    return entry => entry.replaceAll(from, () => content);
  }
  if (typeof pattern["Regex"] !== "string") throw new TokenizerError(`${path}: a Replace decoder has no pattern`);
  try {
    const from = new RegExp(pattern["Regex"], "gu");
    return entry => entry.replaceAll(from, () => content);
  } catch (error) {
    throw new TokenizerError(`${path}: ${messageOf(error)}`);
  }
}

/** After Fuse, Strip is about the start of the text; before it, about each entry. False: a form that would need the end of the text. */
function addStrip(steps: Steps, decoder: Json): boolean {
  const content = typeof decoder["content"] === "string" ? decoder["content"] : " ";
  const start = typeof decoder["start"] === "number" ? decoder["start"] : 0;
  const stop = typeof decoder["stop"] === "number" ? decoder["stop"] : 0;
  if (steps.fused) {
    if (content !== " " || stop !== 0) return false;
    steps.leadingSpaces = start;
    return true;
  }
  steps.maps.push(entry => {
    let from = 0;
    let to = entry.length;
    while (from < start && entry[from] === content) from++;
    while (entry.length - to < stop && to > from && entry[to - 1] === content) to--;
    return entry.slice(from, to);
  });
  return true;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Byte-level vocabularies write each byte as one printable character: printable Latin-1 as itself, the other 68 from U+0100 on. */
const byteOfCharacter = new Map<string, number>();
const characterOfByte: string[] = [];
for (let byte = 0, next = 256; byte < 256; byte++) {
  const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const character = String.fromCharCode(printable ? byte : next++);
  byteOfCharacter.set(character, byte);
  characterOfByte.push(character);
}

/** A text in that spelling. */
export function spellBytes(text: string): string {
  let spelled = "";
  for (const byte of toBytes(text)) spelled += characterOfByte[byte];
  return spelled;
}

function unspellBytes(entry: string): Uint8Array | undefined {
  const bytes = new Uint8Array(entry.length);
  for (let at = 0; at < entry.length; at++) {
    const byte = byteOfCharacter.get(entry.charAt(at));
    if (byte === undefined) return undefined;
    bytes[at] = byte;
  }
  return bytes;
}
