"""Decodes with mlx-lm's BatchGenerator, without HTTP: python bench/peers/mlx_lm_decode.py MODEL

Reads jobs from standard input, one JSON object a line, and answers each with one line:
    {"batch": 8, "prompt": 128, "spread": 0, "tokens": 256}  ->  {"decode": 1234.5, "whole": 1200.1, "prefill": 2300.4}
decode: tokens/s of all rows from the moment the last row has its first token; whole: from the start, prompt included;
prefill: prompt tokens/s until that moment. bench/decode.ts sends the jobs, so that ours and theirs can take turns.
"""

import itertools
import json
import sys
import time

from mlx_lm import load
from mlx_lm.generate import BatchGenerator


ROWS = itertools.count(1)


def prompts(batch, longest, spread):
    """The ids that bench/ours-decode.ts takes too: spread over the first 4,000 pieces, different in every row of every job,
    so that no side remembers a prompt."""
    lengths = [longest - spread * row // batch for row in range(batch)]
    return [[(i * 7919 + row * 104729) % 4000 for i in range(1, length + 1)] for length, row in zip(lengths, itertools.islice(ROWS, batch))]


def run(model, batch, prompt, spread, tokens):
    generator = BatchGenerator(model, max_tokens=tokens, completion_batch_size=batch, prefill_batch_size=batch)
    rows = prompts(batch, prompt, spread)
    start = time.perf_counter()
    generator.insert(rows)
    seen, made, all_started, before = set(), 0, None, 0
    while responses := generator.next_generated():
        made += len(responses)
        seen.update(r.uid for r in responses)
        if all_started is None and len(seen) == batch:
            all_started, before = time.perf_counter(), made
    end = time.perf_counter()
    generator.close()
    assert made == batch * tokens, f"{made} tokens instead of {batch * tokens}"
    return {
        "decode": (made - before) / (end - all_started),
        "whole": made / (end - start),
        "prefill": sum(map(len, rows)) / (all_started - start),
    }


def main():
    model, _ = load(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(run(model, **json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
