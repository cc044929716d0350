// Stop strings. The match that is complete first ends the text, before the match; of two complete at once the one that begins first.
// So the result is that of reading character by character, however the text is cut. Text waits only while a match is still possible.

export class StopFilter {
  /** The string that ended the text. */
  matched: string | undefined;
  /** Characters that came in, and those let through. */
  taken = 0;
  released = 0;
  private held = "";

  constructor(private readonly stops: readonly string[]) {}

  /** What may come out now. */
  feed(text: string): string {
    if (this.matched !== undefined) return "";
    this.taken += text.length;
    this.held += text;
    const match = findFirst(this.held, this.stops);
    this.matched = match?.stop;
    return this.release(match ? match.at : this.held.length - waitingLength(this.held, this.stops));
  }

  /** The text is over; what waited for a match comes out. */
  end(): string {
    return this.matched === undefined ? this.release(this.held.length) : "";
  }

  private release(count: number): string {
    const text = this.held.slice(0, count);
    this.held = this.held.slice(count);
    this.released += count;
    return text;
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
