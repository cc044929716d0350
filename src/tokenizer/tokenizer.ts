// One model's vocabulary: text to ids through @huggingface/tokenizers, ids to text through this folder's own spelling and stream.
// The library's own decode is not used: it re-reads everything, looks added tokens up by linear search and "cleans up" spaces.
import { Tokenizer as Library } from "@huggingface/tokenizers";
import { TokenizerError } from "./error.ts";
import { isObject, type Json } from "../util/json.ts";
import { readNormalizer } from "./normalizer.ts";
import { readSpelling, type Spelling } from "./pieces.ts";
import { readPreTokenizer } from "./pre-tokenizer.ts";
import { Detokenizer, type DetokenizerOptions, type Piece, type Spells } from "./stream.ts";
import { makeUnigram } from "./unigram.ts";
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
      const library = withOwnParts(new Library(complete(json), config), json);
      // The library keeps ids as array indices; its own get_vocab would lose entries that share a text.
      const entries = (library.model as unknown as { readonly vocab: readonly (string | undefined)[] }).vocab;
      return new Tokenizer(library, entries, spelling);
    } catch (error) {
      throw new TokenizerError(`${path} is not supported: ${messageOf(error)}`);
    }
  }

  /** With special tokens the result begins and ends as the model expects of a whole text (usually: begins with one). */
  encode(text: string, options: { readonly specialTokens: boolean }): Uint32Array {
    const { ids } = this.library.encode(text, { add_special_tokens: options.specialTokens });
    const known = (ids as (number | undefined)[]).filter(id => id !== undefined); // without an unknown token, characters can be unencodable
    return Uint32Array.from(known);
  }

  /** Two texts with the special tokens of a pair around and between them, and which of the two segments each id belongs to. */
  encodePair(first: string, second: string): { readonly ids: Uint32Array; readonly segments: Uint8Array } {
    const { ids, token_type_ids: segments = [] } = this.library.encode(first, {
      text_pair: second,
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

/** What the library wants spelled out: sections that are absent, and those that are read here. */
function complete(json: Json): Json {
  const sections = { decoder: null, post_processor: null, normalizer: null };
  const addedTokens = Array.isArray(json["added_tokens"]) ? json["added_tokens"] : [];
  return { ...sections, ...json, pre_tokenizer: null, added_tokens: addedTokens };
}

/** The library keeps added tokens, BPE, WordPiece and what stands around a text; normalizing, cutting and unigrams are ours: its own differ from the reference. */
function withOwnParts(library: Library, json: Json): Library {
  const cut = readPreTokenizer(json["pre_tokenizer"]);
  const parts = library as unknown as { normalizer: unknown; pre_tokenizer: unknown; model: { encode: unknown; cache?: unknown } };
  parts.normalizer = readNormalizer(json["normalizer"]);
  parts.pre_tokenizer = (text: string, { section_index }: { section_index: number }) => cut(text, section_index === 0);
  const model = json["model"] as Json;
  if (Array.isArray(model["vocab"])) parts.model.encode = makeUnigram(model);
  if (parts.model.cache) parts.model.cache = new WordCache();
  return library;
}

/** The library's own drops its oldest word for each new one, which costs more than encoding it. */
class WordCache {
  private readonly words = new Map<string, string[]>();

  get(word: string): string[] | undefined {
    return this.words.get(word);
  }

  put(word: string, pieces: string[]): void {
    if (this.words.size >= 20_000) this.words.clear();
    this.words.set(word, pieces);
  }

  clear(): void {
    this.words.clear();
  }
}
