// The text of an answer as a format reads it: forwards, with a way back.
//
// A format is written as a generator that reads as if the whole text were there. It yields what it has found, and undefined where it needs
// more text. Nothing that it can ask depends on how the text was cut, so neither does what it finds.
//
// A token of the vocabulary is one character here that no text has (a lone surrogate): a marker that is a token is found only where it is
// one, and spelled out in ordinary tokens it is ordinary text.
import { locate } from "./locate.ts";
import type { Piece, ToolEvent } from "./types.ts";

export type Reading<T> = Generator<ToolEvent | undefined, T, void>;

/** Takes characters until it has what it wants; returns how many of them it took. */
export interface CharacterReader {
  readonly reading: boolean;
  read(text: string): number;
  /** What has become known since the last call. */
  events(): ToolEvent[];
}

const firstToken = 0xdc00;
const tokenCharacters = /[\udc00-\udfff]/;
/** A low surrogate that no high one stands before. */
const loneSurrogate = /(?<![\ud800-\udbff])[\udc00-\udfff]/;

export class Source {
  /** Where the unread text begins; a format may set it back to where it was. */
  at = 0;
  over = false;
  private text = "";
  private readonly seen: string[] = []; // token number i is the character firstToken + i

  constructor(private readonly tokens: ReadonlySet<string>) {}

  push({ text, token }: Piece): void {
    this.text += token ? this.characterOf(text) : text;
  }

  get rest(): string {
    return this.text.slice(this.at);
  }

  /** A marker as it stands in this text. */
  spell(marker: string): string {
    return this.tokens.has(marker) ? this.characterOf(marker) : marker;
  }

  /** Lets go of what was read. Positions from before are void. */
  forget(): void {
    this.text = this.rest;
    this.at = 0;
  }

  /** The next `length` characters as pieces. */
  take(length: number): Piece[] {
    const part = this.text.slice(this.at, this.at + length);
    this.at += length;
    if (!tokenCharacters.test(part)) return part === "" ? [] : [{ text: part, token: false }];
    const pieces = part.split(new RegExp(`(${loneSurrogate.source})`));
    return pieces.filter(piece => piece !== "").map(piece => ({ text: this.plain(piece), token: this.isToken(piece) }));
  }

  /** False when there will be no more text. */
  *more(): Reading<boolean> {
    if (this.over) return false;
    yield undefined;
    return true;
  }

  /** The next character, or nothing at the end. */
  *peek(): Reading<string> {
    while (this.at === this.text.length) if (!(yield* this.more())) return "";
    return this.text.charAt(this.at);
  }

  *skipBlank(): Reading<void> {
    while (/^\s$/.test(yield* this.peek())) this.at++;
  }

  /** The longest of the markers that stands here, if one does; it is read. */
  *accept(...markers: readonly string[]): Reading<string | undefined> {
    for (;;) {
      const hit = locate(
        this.text,
        markers.map(marker => this.spell(marker)),
        { from: this.at, to: this.at, canGrow: !this.over },
      );
      if (!hit) return undefined;
      if (hit.marker !== undefined) {
        this.at += hit.marker.length;
        return markers.find(marker => this.spell(marker) === hit.marker);
      }
      yield* this.more();
    }
  }

  /** The text before the first of the markers; both are read. Undefined when none comes, or only behind `limit` characters. */
  *until(markers: readonly string[], limit = Infinity): Reading<{ readonly text: string; readonly marker: string } | undefined> {
    const spelled = markers.map(marker => this.spell(marker));
    for (let from = this.at; ;) {
      const hit = locate(this.text, spelled, { from, canGrow: !this.over });
      if ((hit?.at ?? this.text.length) - this.at > limit) return undefined;
      if (hit?.marker !== undefined) {
        const text = this.plain(this.text.slice(this.at, hit.at));
        this.at = hit.at + hit.marker.length;
        return { text, marker: markers[spelled.indexOf(hit.marker)]! };
      }
      from = hit?.at ?? this.text.length;
      if (!(yield* this.more())) return undefined;
    }
  }

  /** Lets a reader take what it wants. */
  *through(reader: CharacterReader): Reading<void> {
    while (reader.reading && (yield* this.peek()) !== "") {
      const run = this.text.slice(this.at).match(loneSurrogate);
      const length = run ? Math.max(run.index ?? 0, 1) : this.text.length - this.at;
      const part = this.text.slice(this.at, this.at + length);
      const taken = reader.read(this.plain(part));
      this.at += this.isToken(part) ? Math.min(taken, 1) : taken;
      yield* reader.events();
    }
  }

  /** Everything that is unread and will come, as text. */
  *toEnd(): Reading<string> {
    while (yield* this.more());
    const text = this.plain(this.rest);
    this.at = this.text.length;
    return text;
  }

  private characterOf(token: string): string {
    if (!this.seen.includes(token)) this.seen.push(token);
    return String.fromCharCode(firstToken + this.seen.indexOf(token));
  }

  isToken(part: string): boolean {
    return part.length === 1 && this.seen[part.charCodeAt(0) - firstToken] !== undefined;
  }

  private plain(text: string): string {
    if (!tokenCharacters.test(text)) return text;
    return text.replace(new RegExp(loneSurrogate.source, "g"), character => this.seen[character.charCodeAt(0) - firstToken] ?? character);
  }
}
