// Incremental detokenization: ids in, text out, each character as soon as no later id can change it. A few bytes of state, no re-decoding.
import { fromBytes, settledLength } from "./utf8.ts";

/** What one id spells. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly text: string | undefined; // undefined when the bytes are not whole characters
}

export interface Spells {
  readonly leadingSpaces: number;
  piece(id: number): Piece;
}

export interface DetokenizerOptions {
  /** Ids that leave no text. */
  readonly hidden?: (id: number) => boolean;
  /** The ids go on from a text that is already there: its own first-word space is then part of the text. */
  readonly continues?: boolean;
}

const none = new Uint8Array(0);

/** The pieces that `push` and the final `end` return are together exactly the decoding of all ids pushed. */
export class Detokenizer {
  private unfinished: Uint8Array = none; // a valid beginning of one character, at most 3 bytes
  private leadingSpaces: number; // still to be dropped, while nothing else came

  constructor(
    private readonly spells: Spells,
    private readonly options: DetokenizerOptions = {},
  ) {
    this.leadingSpaces = options.continues ? 0 : spells.leadingSpaces;
  }

  push(id: number): string {
    if (this.options.hidden?.(id)) return "";
    const piece = this.spells.piece(id);
    if (piece.text !== undefined && this.unfinished.length === 0) return this.fromStart(piece.text);
    const bytes = new Uint8Array(this.unfinished.length + piece.bytes.length);
    bytes.set(this.unfinished);
    bytes.set(piece.bytes, this.unfinished.length);
    const settled = settledLength(bytes);
    this.unfinished = bytes.subarray(settled);
    return this.fromStart(fromBytes(bytes.subarray(0, settled)));
  }

  /** What a text that ends here still owes: U+FFFD when it ends inside a character. */
  end(): string {
    const text = fromBytes(this.unfinished);
    this.unfinished = none;
    return text;
  }

  private fromStart(text: string): string {
    if (this.leadingSpaces === 0 || text === "") return text;
    let at = 0;
    while (this.leadingSpaces > 0 && text[at] === " ") {
      at++;
      this.leadingSpaces--;
    }
    if (at < text.length) this.leadingSpaces = 0;
    return text.slice(at);
  }
}
