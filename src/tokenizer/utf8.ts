// UTF-8 at the byte level: where a run of bytes can be cut, and what bytes look like to a person.

const lossy = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();

export function toBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Broken sequences become U+FFFD, one for each maximal broken part, as everywhere on the web. */
export function fromBytes(bytes: Uint8Array): string {
  return lossy.decode(bytes);
}

/** The text of bytes that are whole characters; undefined when they are not. */
export function wholeText(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined; // the only failure of a fatal decoder is the one asked about
  }
}

/** Length of the longest prefix whose decoding no further byte can change: all but an unfinished character at the end (at most 3 bytes). */
export function settledLength(bytes: Uint8Array): number {
  const end = bytes.length;
  for (let back = 1; back <= 3 && back <= end; back++) {
    const lead = bytes[end - back] ?? 0;
    if ((lead & 0xc0) === 0x80) continue; // a continuation byte: its lead is further left
    return isUnfinished(bytes, end - back) ? end - back : end;
  }
  return end;
}

/** Whether the bytes from `at` to the end begin one character and are valid so far (Unicode 3.9, table 3-7). */
function isUnfinished(bytes: Uint8Array, at: number): boolean {
  const lead = bytes[at] ?? 0;
  const length = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
  const here = bytes.length - at;
  if (here >= length) return false;
  if (here === 1) return true;
  const second = bytes[at + 1] ?? 0;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return second >= lowest && second <= highest; // the third byte, if here, is a continuation byte: the caller looked
}

/** Whole characters as they are, other bytes as \xNN: how the OpenAI API spells a token that is a part of a character. */
export function visibleText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = [1, 2, 3, 4].find(count => at + count <= bytes.length && wholeText(bytes.subarray(at, at + count)) !== undefined);
    text += length ? fromBytes(bytes.subarray(at, at + length)) : `\\x${(bytes[at] ?? 0).toString(16).padStart(2, "0")}`;
    at += length ?? 1;
  }
  return text;
}
