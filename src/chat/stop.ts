// Stop strings. The match that is complete first ends the text, before the match; of two complete at once the one that begins first.
// So the result is that of reading character by character, however the text is cut. Text waits only while a match is still possible.
import type { Piece } from "../parsers/types.ts";

export class StopFilter {
  /** The string that ended the text. */
  matched: string | undefined;
  /** Characters let through. */
  released = 0;
  private readonly pieces: Piece[] = [];
  private held = ""; // their text

  constructor(private readonly stops: readonly string[]) {}

  feed(piece: Piece): Piece[] {
    if (this.matched !== undefined || piece.text === "") return [];
    this.pieces.push(piece);
    this.held += piece.text;
    const match = this.stops.length === 0 ? undefined : findFirst(this.held, this.stops);
    this.matched = match?.stop;
    if (match) return this.release(match.at, true);
    return this.release(this.held.length - waitingLength(this.held, this.stops), false);
  }

  /** The text is over; what waited for a match comes out. */
  end(): Piece[] {
    return this.matched === undefined ? this.release(this.held.length, true) : [];
  }

  /** Tokens go through whole, or, where the text ends inside one, as the plain text that is left of them. */
  private release(count: number, last: boolean): Piece[] {
    const out: Piece[] = [];
    let left = count;
    for (let piece = this.pieces[0]; piece && left > 0; piece = this.pieces[0]) {
      const whole = piece.text.length <= left;
      if (!whole && piece.token && !last) break;
      const text = whole ? piece.text : piece.text.slice(0, left);
      out.push({ text, token: whole && piece.token });
      if (whole) this.pieces.shift();
      else this.pieces[0] = { text: piece.text.slice(left), token: false };
      left -= text.length;
      this.released += text.length;
    }
    this.held = this.held.slice(count - left);
    return out;
  }
}

function findFirst(text: string, stops: readonly string[]): { at: number; stop: string } | undefined {
  let first: { at: number; stop: string } | undefined;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at < 0) continue;
    const [end, least] = [at + stop.length, first ? first.at + first.stop.length : Infinity];
    if (end < least || (end === least && at < (first?.at ?? Infinity))) first = { at, stop };
  }
  return first;
}

/** Length of the longest end of the text that begins one of the strings. */
function waitingLength(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length;
    }
  }
  return longest;
}
