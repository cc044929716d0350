// BERT's normalizer makes each Chinese character a word. The library knows those of the basic plane only; here are the others.
import { isObject } from "../util/json.ts";

/** Whether a normalizer section asks for it. */
export function separatesIdeographs(normalizer: unknown): boolean {
  if (!isObject(normalizer)) return false;
  if (Array.isArray(normalizer["normalizers"])) return normalizer["normalizers"].some(separatesIdeographs);
  return normalizer["type"] === "BertNormalizer" && normalizer["handle_chinese_chars"] !== false;
}

/** Puts spaces around them. The ranges are those of the reference, which leaves a few out. */
export function separateRareIdeographs(text: string): string {
  return text.replace(/[\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu, " $& ");
}
