// Watches a stream of text for markers. Text is handed on at once, except an end that may still become a marker.
import { locate } from "./locate.ts";
import type { Piece } from "./types.ts";

export type Part = { readonly type: "text"; readonly text: string; readonly token: boolean } | { readonly type: "marker"; readonly text: string };

/**
 * Of several markers the one that begins first wins, of those the longest; so the parts do not depend on how the text was cut.
 * Markers in `tokens` are recognised only as tokens, the others wherever they stand.
 */
export class Splitter {
  private readonly queue: Piece[] = []; // neighbours are never both plain text
  private over = false;

  constructor(private readonly tokens: ReadonlySet<string> = new Set()) {}

  push(piece: Piece): void {
    const last = this.queue.at(-1);
    if (piece.text === "") return;
    if (last && !last.token && !piece.token) this.queue[this.queue.length - 1] = { text: last.text + piece.text, token: false };
    else this.queue.push(piece);
  }

  /** Puts text back to the front, as a token only if it is a whole one. */
  unshift(text: string, token = false): void {
    if (text === "") return;
    const first = this.queue[0];
    if (token) this.queue.unshift({ text, token });
    else if (first && !first.token) this.queue[0] = { text: text + first.text, token: false };
    else this.queue.unshift({ text, token: false });
  }

  /** While closed nothing is held back: what comes next, if anything, is a text of its own. */
  close(over: boolean): void {
    this.over = over;
  }

  /** The next part; undefined when there is none, or none that is sure. */
  next(markers: readonly string[]): Part | undefined {
    const first = this.queue.shift();
    if (!first) return undefined;
    if (first.token) return markers.includes(first.text) ? { type: "marker", text: first.text } : { type: "text", ...first };
    const { text } = first;
    const spelled = markers.filter(marker => !this.tokens.has(marker));
    const canGrow = this.queue.length === 0 && !this.over;
    const found = locate(text, spelled, { canGrow });
    if (!found) return { type: "text", text, token: false };
    if (found.at > 0) {
      this.unshift(text.slice(found.at));
      return { type: "text", text: text.slice(0, found.at), token: false };
    }
    if (found.marker === undefined) {
      this.unshift(text);
      return undefined;
    }
    this.unshift(text.slice(found.marker.length));
    return { type: "marker", text: found.marker };
  }
}
