// One model's vocabulary: text to ids through @huggingface/tokenizers, ids to text through this folder's own spelling and stream.
// The library's own decode is not used: it re-reads everything, looks added tokens up by linear search and "cleans up" spaces.
import { Tokenizer as Library } from "@huggingface/tokenizers";
import { TokenizerError } from "./error.ts";
import { isObject, type Json } from "../util/json.ts";
import { separateRareIdeographs, separatesIdeographs } from "./ideographs.ts";
import { readSpelling, type Spelling } from "./pieces.ts";
import { Detokenizer, type DetokenizerOptions, type Piece, type Spells } from "./stream.ts";
import { visibleText, wholeText } from "./utf8.ts";
import { messageOf } from "../util/message-of.ts";

export class Tokenizer implements Spells {
  /** One more than the largest id of the vocabulary. */
  readonly vocabSize: number;
  readonly leadingSpaces: number;
  private readonly pieces: (Piece | undefined)[] = [];
  private readonly added = new Map<string, number>();
  private readonly addedIds = new Set<number>();
  private readonly specialIds = new Set<number>();

  private constructor(
    private readonly library: Library,
    private readonly entries: readonly (string | undefined)[],
    private readonly spelling: Spelling,
    private readonly prepare: (text: string) => string,
  ) {
    this.vocabSize = entries.length;
    this.leadingSpaces = spelling.leadingSpaces;
    for (const [id, token] of library.get_added_tokens_decoder()) {
      this.added.set(token.content, id);
      this.addedIds.add(id);
      if (token.special) this.specialIds.add(id);
    }
  }

  /** From the objects of tokenizer.json and tokenizer_config.json; `path` names the former in errors. */
  static from(json: Json, config: Json, path: string): Tokenizer {
    if (!isObject(json["model"])) throw new TokenizerError(`${path} describes no tokenizer model`);
    const spelling = readSpelling(json["decoder"], path);
    try {
      const library = new Library(complete(json), config);
      // The library keeps ids as array indices; its own get_vocab would lose entries that share a text.
      const entries = (library.model as unknown as { readonly vocab: readonly (string | undefined)[] }).vocab;
      return new Tokenizer(library, entries, spelling, separatesIdeographs(json["normalizer"]) ? separateRareIdeographs : text => text);
    } catch (error) {
      throw new TokenizerError(`${path} is not supported: ${messageOf(error)}`);
    }
  }

  /** With special tokens the result begins and ends as the model expects of a whole text (usually: begins with one). */
  encode(text: string, options: { readonly specialTokens: boolean }): Uint32Array {
    const { ids } = this.library.encode(this.prepare(text), { add_special_tokens: options.specialTokens });
    const known = (ids as (number | undefined)[]).filter(id => id !== undefined); // without an unknown token, characters can be unencodable
    return Uint32Array.from(known);
  }

  /** Two texts with the special tokens of a pair around and between them, and which of the two segments each id belongs to. */
  encodePair(first: string, second: string): { readonly ids: Uint32Array; readonly segments: Uint8Array } {
    const { ids, token_type_ids: segments = [] } = this.library.encode(this.prepare(first), {
      text_pair: this.prepare(second),
      return_token_type_ids: true,
    });
    return { ids: Uint32Array.from(ids), segments: Uint8Array.from(ids, (_, i) => segments[i] ?? 0) };
  }

  decode(ids: Iterable<number>, options: { readonly skipSpecial: boolean; readonly continues?: boolean }): string {
    const stream = this.stream({ ...(options.skipSpecial && { hidden: id => this.isSpecial(id) }), continues: options.continues ?? false });
    let text = "";
    for (const id of ids) text += stream.push(id);
    return text + stream.end();
  }

  stream(options: DetokenizerOptions): Detokenizer {
    return new Detokenizer(this, options);
  }

  /** Ids outside the vocabulary spell nothing: a model's last layer is often wider than its vocabulary. */
  piece(id: number): Piece {
    const known = this.pieces[id];
    if (known) return known;
    const entry = this.entries[id];
    const bytes = entry === undefined ? new Uint8Array(0) : this.spelling.bytesOf(entry, this.addedIds.has(id));
    const piece = { bytes, text: wholeText(bytes) };
    if (entry !== undefined) this.pieces[id] = piece;
    return piece;
  }

  /** A token as a client sees it alone: a part of a character shows as its bytes. */
  visible(id: number): string {
    const piece = this.piece(id);
    return piece.text ?? visibleText(piece.bytes);
  }

  /** The vocabulary's own spelling of an id. */
  entry(id: number): string | undefined {
    return this.entries[id];
  }

  idOf(entry: string): number | undefined {
    return this.added.get(entry) ?? this.library.token_to_id(entry);
  }

  /** The id of a token that stands outside the learned vocabulary, such as a control token or a marker. */
  addedId(content: string): number | undefined {
    return this.added.get(content);
  }

  isAdded(id: number): boolean {
    return this.addedIds.has(id);
  }

  isSpecial(id: number): boolean {
    return this.specialIds.has(id);
  }

  has(id: number): boolean {
    return this.entries[id] !== undefined;
  }
}

/** What the library wants spelled out: sections that are absent, and a field that older files use in place of another. */
function complete(json: Json): Json {
  const sections = { decoder: null, post_processor: null, pre_tokenizer: null, normalizer: null };
  const addedTokens = Array.isArray(json["added_tokens"]) ? json["added_tokens"] : [];
  return { ...sections, ...json, added_tokens: addedTokens, pre_tokenizer: withPrependScheme(json["pre_tokenizer"] ?? null) };
}

function withPrependScheme(section: unknown): unknown {
  if (!isObject(section)) return section;
  if (section["type"] === "Sequence" && Array.isArray(section["pretokenizers"]))
    return { ...section, pretokenizers: section["pretokenizers"].map(withPrependScheme) };
  if (section["type"] !== "Metaspace" || section["prepend_scheme"] !== undefined || section["add_prefix_space"] !== false) return section;
  return { ...section, prepend_scheme: "never" };
}
