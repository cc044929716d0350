"""The primitives of one decode step of mlx-lm: python bench/peers/mlx_lm_kernels.py MODEL BATCH PROMPT

Prints one JSON object, name -> how often. The step is that of BatchGenerator: model, cache of a batch, log-probabilities, argmax.
"""

import collections
import io
import json
import re
import sys
from pathlib import Path

import mlx.core as mx
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import load_model


def main():
    path, batch, prompt = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    model, _ = load_model(path, strict=False)
    rows = [make_prompt_cache(model) for _ in range(batch)]
    for row in rows:
        mx.eval(model(mx.zeros((1, prompt), mx.int32), cache=row), [layer.state for layer in row])
    cache = [layers[0].merge(list(layers)) for layers in zip(*rows)]
    mx.eval([layer.state for layer in cache])
    logits = model(mx.zeros((batch, 1), mx.int32), cache=cache)[:, -1, :]
    ids = mx.argmax(logits - mx.logsumexp(logits, axis=-1, keepdims=True), axis=-1)
    text = io.StringIO()
    mx.export_to_dot(text, ids)
    names = re.findall(r'label ?="([^"]+)", shape=rectangle', text.getvalue())
    print(json.dumps(collections.Counter(names)))


if __name__ == "__main__":
    main()
