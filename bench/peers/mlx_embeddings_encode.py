"""Embeds documents with mlx-embeddings, without HTTP: python bench/peers/mlx_embeddings_encode.py MODEL

Reads jobs from standard input, one JSON object a line, and answers each with one line:
    {"batch": 1, "documents": ["…", …]}  ->  {"seconds": 1.23, "vectors": [first vector, last vector]}
batch is the number of documents of one call. bench/embeddings.ts sends the jobs, so that ours and theirs can take turns.
"""

import json
import sys
import time

import mlx.core as mx
from mlx_embeddings import generate, load


def run(model, tokenizer, batch, documents):
    start = time.perf_counter()
    vectors = []
    for at in range(0, len(documents), batch):
        out = generate(model, tokenizer, documents[at : at + batch]).text_embeds
        mx.eval(out)
        vectors += out.tolist()
    return {"seconds": time.perf_counter() - start, "vectors": [vectors[0], vectors[-1]]}


def main():
    if not (mx.metal.is_available() or getattr(mx, "cuda", mx.metal).is_available()):
        mx.disable_compile()  # the CPU back end would need a C++ compiler
    model, tokenizer = load(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(run(model, tokenizer, **json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
