// A byte-level vocabulary as it was kept before tokenizer.json: vocab.json with the ids, merges.txt with the pairs in order, and added tokens in
// tokenizer_config.json. What cuts a text into words stands in none of them; the class named there knows it.
import { join } from "node:path";
import { TokenizerError } from "./error.ts";
import { readObject, readText } from "./files.ts";
import { isObject, type Json } from "../util/json.ts";

/** The object that tokenizer.json would hold; undefined without both files. Throws TokenizerError for a class with other rules. */
export function readVocabAndMerges(folder: string, config: Json): Json | undefined {
  const vocab = readObject(folder, "vocab.json");
  const merges = readText(folder, "merges.txt");
  if (!vocab || merges === undefined) return undefined;
  const path = join(folder, "tokenizer_config.json");
  const name = String(config["tokenizer_class"]).replace(/Fast$/, "");
  const rules = classes[name];
  if (!rules)
    throw new TokenizerError(
      `${path}: the tokenizer_class "${name}" is not supported without a tokenizer.json (${Object.keys(classes).join(", ")} are)`,
    );
  if (config["add_bos_token"] === true) throw new TokenizerError(`${path}: add_bos_token is not supported without a tokenizer.json`);
  return {
    ...rules(config["add_prefix_space"] === true),
    decoder: { type: "ByteLevel" },
    added_tokens: addedTokens(config, vocab),
    model: { type: "BPE", vocab, merges: readMerges(merges, join(folder, "merges.txt")) },
  };
}

const qwen2 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const classes: Readonly<Record<string, (prefix: boolean) => Json>> = {
  GPT2Tokenizer: prefix => ({ pre_tokenizer: { type: "ByteLevel", add_prefix_space: prefix, use_regex: true } }),
  Qwen2Tokenizer: prefix => ({
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: qwen2 }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: prefix, use_regex: false },
      ],
    },
  }),
};

function readMerges(text: string, path: string): string[][] {
  const lines = text.split(/\r?\n/);
  return lines.flatMap((line, at) => {
    if (line === "" || (at === 0 && line.startsWith("#version"))) return [];
    const pair = line.split(" ");
    if (pair.length !== 2 || pair.includes("")) throw new TokenizerError(`${path}: line ${at + 1} is no pair`);
    return [pair];
  });
}

/** Those that the configuration lists, and those of the vocabulary that serve a purpose, by name or because both classes take them for it. */
function addedTokens(config: Json, vocab: Json): Json[] {
  const listed = isObject(config["added_tokens_decoder"]) ? Object.entries(config["added_tokens_decoder"]) : [];
  const tokens = listed.flatMap(([id, token]) => (isObject(token) ? [{ ...token, id: Number(id) } as Json] : []));
  const known = new Set(tokens.map(token => token["content"]));
  for (const purpose of ["unk_token", "bos_token", "eos_token", "pad_token"]) {
    const content = config[purpose] ?? "<|endoftext|>";
    if (typeof content !== "string" || known.has(content) || typeof vocab[content] !== "number") continue;
    known.add(content);
    tokens.push({ id: vocab[content], content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false });
  }
  return tokens;
}
