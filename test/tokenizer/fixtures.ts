// Small tokenizers in the shapes that models come in, written out by hand, and model folders made of them.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

type Json = Record<string, unknown>;

interface Added {
  readonly content: string;
  readonly special?: boolean;
}

function withAdded(vocab: Record<string, number>, added: readonly Added[]): { id: number; content: string; special: boolean }[] {
  return added.map(({ content, special = true }, at) => {
    const id = vocab[content] ?? Object.keys(vocab).length + at;
    return { id, content, special, single_word: false, lstrip: false, rstrip: false, normalized: false };
  });
}

/** The 256 characters that stand for bytes, in the order of the bytes. */
export const byteCharacters = (() => {
  const characters: string[] = [];
  for (let byte = 0, next = 256; byte < 256; byte++) {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    characters.push(String.fromCharCode(printable ? byte : next++));
  }
  return characters;
})();

const spell = (text: string) => [...new TextEncoder().encode(text)].map(byte => byteCharacters[byte]).join("");

export const chatTokens: readonly Added[] = [
  { content: "<|endoftext|>" },
  { content: "<|im_start|>" },
  { content: "<|im_end|>" },
  { content: "<think>", special: false },
  { content: "</think>", special: false },
  { content: "<tool_call>", special: false },
  { content: "</tool_call>", special: false },
];

/** Like GPT-2, Llama 3 and Qwen: bytes as characters, merged. Some entries are parts of characters. */
export function byteLevel(added: readonly Added[] = chatTokens): Json {
  const merges: [string, string][] = [];
  const vocab: Record<string, number> = Object.fromEntries(byteCharacters.map((character, id) => [character, id]));
  for (const [left, right] of [..."h e|l l|he ll|hell o|Ġ t|Ġt he|Ġ hello|Ġ w|o r|Ġw or|l d|Ġwor ld".split("|").map(pair => pair.split(" "))]) {
    if (right === undefined || left === undefined) continue;
    merges.push([left, right]);
  }
  for (const text of ["é", "ü", "日", "語"]) addMerges(merges, [...spell(text)]);
  addMerges(merges, [...spell("🙂")].slice(0, 2)); // half of one
  addMerges(merges, [...spell("🙂")].slice(2)); // the other half
  for (const [left, right] of merges) vocab[left + right] ??= Object.keys(vocab).length;
  return {
    version: "1.0",
    added_tokens: withAdded(vocab, added),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: "BPE", dropout: null, unk_token: null, byte_fallback: false, vocab, merges },
  };
}

function addMerges(merges: [string, string][], characters: readonly string[]): void {
  let left = characters[0] ?? "";
  for (const right of characters.slice(1)) {
    if (!merges.some(([a, b]) => a === left && b === right)) merges.push([left, right]);
    left += right;
  }
}

/** Like Llama 2, Mistral and Gemma: words with their space in front, other characters as byte entries. */
export function sentencePiece(): Json {
  const vocab: Record<string, number> = {};
  const add = (entry: string) => (vocab[entry] ??= Object.keys(vocab).length);
  for (const entry of ["<unk>", "<s>", "</s>"]) add(entry);
  for (let byte = 0; byte < 256; byte++) add(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  for (const entry of ["▁", "▁▁", "▁▁▁▁", ..."abcdefghijklmnopqrstuvwxyz.,!?é日", "▁H"]) add(entry);
  const merges = ["▁ h", "e l", "l o", "▁h el", "▁hel lo", "▁ w", "▁w o", "▁ ▁", "▁▁ ▁▁"].map(pair => pair.split(" "));
  for (const [left, right] of merges) add(`${left}${right}`);
  return {
    version: "1.0",
    added_tokens: withAdded(vocab, [{ content: "<unk>" }, { content: "<s>" }, { content: "</s>" }]),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [],
      special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
    },
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: { type: "BPE", unk_token: "<unk>", fuse_unk: true, byte_fallback: true, vocab, merges },
  };
}

/** Like T5: likeliest pieces, spaces as a character. */
export function unigram(): Json {
  const entries = ["<pad>", "</s>", "<unk>", "▁", "▁the", "▁hello", "▁wor", "ld", "s", ..."abcdefghijklmnopqrstuvwxyz.,é"];
  return {
    version: "1.0",
    added_tokens: withAdded(Object.fromEntries(entries.map((entry, id) => [entry, id])), [
      { content: "<pad>" },
      { content: "</s>" },
      { content: "<unk>" },
    ]),
    normalizer: null,
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    post_processor: null,
    decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    model: { type: "Unigram", unk_id: 2, byte_fallback: false, vocab: entries.map((entry, at) => [entry, entry.length > 1 ? -at : -50 - at]) },
  };
}

/** Like BERT: whole words, and parts that go on from a word. */
export function wordPiece(): Json {
  const entries = ["[UNK]", "[CLS]", "[SEP]", "hello", "world", "##s", "##ly", "un", "##do", ".", ","];
  return {
    version: "1.0",
    added_tokens: withAdded(Object.fromEntries(entries.map((entry, id) => [entry, id])), [
      { content: "[UNK]" },
      { content: "[CLS]" },
      { content: "[SEP]" },
    ]),
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: null,
    decoder: { type: "WordPiece", prefix: "##", cleanup: false },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(entries.map((entry, id) => [entry, id])),
    },
  };
}

export function tokenizerOf(json: Json): Tokenizer {
  return Tokenizer.from(json, {}, "tokenizer.json");
}

export interface ModelFolder extends Disposable {
  readonly path: string;
}

/** A folder with these files; objects are written as JSON. */
export function modelFolder(files: Readonly<Record<string, unknown>>): ModelFolder {
  const path = temporaryFolder("model");
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** In the manner of Qwen3: roles, tools, calls, thinking. */
export const chatTemplate = `{%- if tools %}<|im_start|>system
{{ messages[0].content ~ '\\n' if messages[0].role == 'system' }}{% for tool in tools %}{{ tool | tojson }}
{% endfor %}As <tool_call>JSON</tool_call><|im_end|>
{% endif %}{% for message in messages %}{% if not (tools and loop.first and message.role == 'system') %}<|im_start|>{{ message.role }}
{% if message.reasoning_content %}<think>
{{ message.reasoning_content }}
</think>

{% endif %}{{ message.content }}{% for call in message.tool_calls %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined %}{{ '<think>\\n' if enable_thinking else '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}`;

/** A model folder for chats with the byte-level tokenizer. */
export function chatFolder(files: Readonly<Record<string, unknown>> = {}): ModelFolder {
  return modelFolder({
    "tokenizer.json": byteLevel(),
    "tokenizer_config.json": { eos_token: "<|im_end|>", chat_template: chatTemplate },
    "config.json": { max_position_embeddings: 2048 },
    ...files,
  });
}
