"""Trains the byte-level BPE tokenizer on generated conversations: python3 tokenizer.py [--count 60000]

The pieces are made so that copying is easy: a word is cut the same way wherever it stands, digits and single capitals are pieces of
their own, spaces belong to no word, and only the marks of JSON grow together.
"""
import argparse
import os

from dice import Dice
from render import training_text
from store import write_json

HERE = os.path.dirname(os.path.abspath(__file__))
SIZE, CONTEXT, SEED = 4096, 4096, 1
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKERS = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
SPLIT = r"""\p{Lu}?\p{Ll}+|\p{N}| ?["{}\[\]:,]+(?: ["{}\[\]:,]+)* ?|[.!?]+ ?|\s*[\r\n]+|\s+|."""


def build(count):
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    tok = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT), "isolated")
    tok.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=SIZE - len(MARKERS), special_tokens=SPECIAL, initial_alphabet=alphabet, min_frequency=4, show_progress=False)
    d = Dice(SEED)
    texts = (training_text(d).replace("<|im_start|>", "").replace("<|im_end|>", "") for _ in range(count))
    tok.train_from_iterator(texts, trainer)
    tok.add_tokens([AddedToken(m, special=False, normalized=False) for m in MARKERS])
    assert tok.get_vocab_size() == SIZE, tok.get_vocab_size()
    return tok


def chat_template():
    with open(f"{HERE}/template.jinja", encoding="utf-8") as f:
        return f.read().rstrip("\n")


def write_config(folder):
    write_json(f"{folder}/tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "model_max_length": CONTEXT,
        "clean_up_tokenization_spaces": False, "chat_template": chat_template()})


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--count", type=int, default=60000)
    p.add_argument("--out", default=f"{HERE}/checkpoint")
    a = p.parse_args()
    build(a.count).save(f"{a.out}/tokenizer.json")
    write_config(a.out)
