// A tokenizer.json of a small WordPiece vocabulary, in the manner of BERT.

/** One part of what stands around texts: a special token, or the first or second text, with its segment. */
export type Part = object;

export const token = (id: string, type_id: number): Part => ({ SpecialToken: { id, type_id } });
export const text = (id: "A" | "B", type_id: number): Part => ({ Sequence: { id, type_id } });

const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
const around = { special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };

/** What BERT has around one text, and around two. */
export const bert = {
  single: [token("[CLS]", 0), text("A", 0), token("[SEP]", 0)],
  pair: [token("[CLS]", 0), text("A", 0), token("[SEP]", 0), text("B", 1), token("[SEP]", 1)],
};

/** The special tokens have the first ids, `words` those behind. */
export function wordPiece(words: readonly string[], { single, pair }: { readonly single: readonly Part[]; readonly pair: readonly Part[] }) {
  const vocabulary = [...SPECIAL, ...words];
  const named = (name: string) => ({ id: name, ids: [vocabulary.indexOf(name)], tokens: [name] });
  return {
    added_tokens: SPECIAL.map((content, id) => ({ id, content, ...around })),
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair,
      special_tokens: { "[CLS]": named("[CLS]"), "[SEP]": named("[SEP]") },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    },
  };
}
