"""Records what the library tokenizers makes of 20,000 lines of mixed scripts, code, emoji and control tokens and of 3,900 lines that hold the
characters of Unicode: test/golden/tokenizers gets four small vocabularies trained here, one of each kind, and for each of them and for each real
one that `make tokenizers` brought one number for every 100 lines that stands for their ids, and one for the texts these ids decode to. The lines
are made of seeded pieces; test/tokenizer/reference.test.ts makes the same.
"""

import json
import tempfile
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from lines import M32, Random, character_lines, make_line

HERE = Path(__file__).resolve().parent.parent / "tokenizers"
FETCHED = HERE.parent.parent.parent / ".build/tokenizers"
LINES = 10_000
GROUP = 100
SPECIAL = ["<unk>", "<s>", "</s>"]


def fnv(values, h=0x811C9DC5):
    """FNV-1a"""
    for value in values:
        h = ((h ^ value) * 0x01000193) & M32
    return h


def groups(lines):
    """One number for each group of lines of values."""
    return [fnv(v for line in lines[at : at + GROUP] for v in (*line, M32)) for at in range(0, len(lines), GROUP)]


def byte_level():
    """As GPT-2, Llama 3 and Qwen have it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    return tokenizer, trainers.BpeTrainer(vocab_size=2000, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)


def byte_fallback():
    """As Llama 2, Mistral and Gemma have it, out of SentencePiece."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(parts)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    special = SPECIAL + [f"<0x{byte:02X}>" for byte in range(256)]
    return tokenizer, trainers.BpeTrainer(vocab_size=2000, special_tokens=special, max_token_length=12, show_progress=False)


def unigram():
    """As T5 and XLM-RoBERTa have it, out of SentencePiece."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" {2,}", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer, trainers.UnigramTrainer(vocab_size=1500, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False)


def word_piece():
    """As BERT has it."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    return tokenizer, trainers.WordPieceTrainer(vocab_size=2000, special_tokens=SPECIAL, show_progress=False)


def train(make, lines):
    tokenizer, trainer = make()
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False, lstrip=True)])
    path = HERE / f"{make.__name__}.json"
    tokenizer.save(str(path))
    text = json.loads(path.read_text())
    if make is byte_fallback:  # the trainer holds the bytes for control tokens; in a model they are none
        text["added_tokens"] = [t for t in text["added_tokens"] if not t["content"].startswith("<0x")]
    path.write_text(json.dumps(text, ensure_ascii=False, separators=(",", ":")) + "\n")


def corpora(texts):
    """The lines by name: seed 11 was looked at while the tokenizer was made right, seed 2026 was chosen before its lines were seen."""
    made = {f"seed {seed}": Random(seed) for seed in (11, 2026)}
    return {name: [make_line(random, texts) for _ in range(LINES)] for name, random in made.items()} | {"characters": character_lines()}


def record(path, corpus):
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    numbers = {}
    for name, lines in corpus.items():
        ids = [encoding.ids for encoding in tokenizer.encode_batch(lines, add_special_tokens=True)]
        texts = tokenizer.decode_batch(ids, skip_special_tokens=False)
        numbers[name] = {"ids": groups(ids), "texts": groups([[ord(c) for c in text] for text in texts])}
    return numbers


def record_classes(corpus):
    """The byte-level vocabulary as vocab.json and merges.txt, read by the classes of transformers that know how to cut a text."""
    from transformers import AutoTokenizer

    model = json.loads((HERE / "byte_level.json").read_text())["model"]
    recorded = {}
    for name in ("GPT2Tokenizer", "Qwen2Tokenizer"):
        with tempfile.TemporaryDirectory() as folder:
            # All purposes are named: the classes give a token that the vocabulary lacks an id beyond its end.
            config = {"tokenizer_class": name, "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<unk>"}
            merges = ["#version: 0.2", *(" ".join(pair) for pair in model["merges"])]
            for file, text in {"vocab.json": json.dumps(model["vocab"]), "merges.txt": "\n".join(merges), "tokenizer_config.json": json.dumps(config)}.items():
                (Path(folder) / file).write_text(text)
            tokenizer = AutoTokenizer.from_pretrained(folder)
            ids = {key: [tokenizer(line, add_special_tokens=False).input_ids for line in lines] for key, lines in corpus.items()}
        recorded[name] = {key: {"ids": groups(lines)} for key, lines in ids.items()}
    return recorded


def write(name, recorded):
    (HERE / name).write_text(json.dumps(recorded) + "\n")
    print(f"{name}: {len(recorded)} vocabularies")


def main():
    texts = json.loads((HERE / "texts.json").read_text())
    corpus = corpora(texts)
    for make in (byte_level, byte_fallback, unigram, word_piece):
        if not (HERE / f"{make.__name__}.json").exists():  # training is not deterministic: what is there stays
            train(make, corpus["seed 11"] if make in (byte_level, byte_fallback) else texts)  # the last two do not know every character
    trained = ("byte_level", "byte_fallback", "unigram", "word_piece")
    write("recorded.json", {name: record(HERE / f"{name}.json", corpus) for name in trained})
    write("recorded-classes.json", record_classes(corpus))
    fetched = sorted(FETCHED.glob("*/tokenizer.json"))
    if fetched:
        write("recorded-real.json", {path.parent.name: record(path, corpus) for path in fetched})
    else:
        print("recorded-real.json stays: the real vocabularies are not here (make tokenizers)")


if __name__ == "__main__":
    main()
