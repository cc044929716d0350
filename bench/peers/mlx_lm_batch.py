"""The ten prompts of vllm-mlx's bench through mlx-lm's batch_generate: python bench/peers/mlx_lm_batch.py MODEL TOKENS PASSES

Prints one JSON object a pass: {"seconds": …, "promptTokens": …, "completionTokens": …}. The first pass is that of a fresh process.
bench/protocol.ts runs it. Batch sizes are those of the protocol: 8 prompts read together, 16 rows decoded together.
"""

import json
import sys
import time

from mlx_lm import batch_generate, load

TOPICS = ["nature", "love", "technology", "space", "music", "art", "science", "history", "food", "travel"]


def main():
    folder, tokens, passes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    model, tokenizer = load(folder)
    prompts = [tokenizer.encode(f"Write a short poem about {topic}.") for topic in TOPICS]
    for _ in range(passes):
        start = time.perf_counter()
        stats = batch_generate(model, tokenizer, prompts, max_tokens=tokens, prefill_batch_size=8, completion_batch_size=16).stats
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "promptTokens": stats.prompt_tokens, "completionTokens": stats.generation_tokens}), flush=True)


if __name__ == "__main__":
    main()
