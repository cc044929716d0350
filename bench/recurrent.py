"""Writes a small seeded checkpoint of a family with recurrent layers, float32 with random weights, for bench/decode.ts.

    python bench/recurrent.py qwen3_next|lfm2|mamba2|nemotron_h FOLDER

Needs the mlx-lm environment of bench/peers. The shapes are those of the recorded checkpoints of test/golden, made wider.
"""

import shutil
import sys
from pathlib import Path

import mlx.core as mx
import mlx_lm.utils

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/golden/make"))
from record import randomize  # noqa: E402
from recurrent import LFM2, MAMBA2, NEMOTRON_H, QWEN3_NEXT  # noqa: E402

WIDE = {"vocab_size": 4096, "hidden_size": 128, "max_position_embeddings": 4096}
DELTA = {"num_hidden_layers": 4, "full_attention_interval": 4, "linear_key_head_dim": 32, "linear_value_head_dim": 32}
SHAPES = {
    "qwen3_next": {**QWEN3_NEXT, **WIDE, **DELTA, "moe_intermediate_size": 64, "shared_expert_intermediate_size": 64},
    "lfm2": {**LFM2, **WIDE, "block_dim": 128, "block_ff_dim": 192},
    "mamba2": {**MAMBA2, **WIDE, "intermediate_size": 256, "head_dim": 32, "num_hidden_layers": 3},
    "nemotron_h": {**NEMOTRON_H, **WIDE, "intermediate_size": 192, "mamba_head_dim": 32},
}


def main(family, folder):
    config = {k: v for k, v in SHAPES[family].items() if v is not None}
    model_class, args_class = mlx_lm.utils._get_classes(config)
    model = model_class(args_class.from_dict(config))
    randomize(model, 0)
    mlx_lm.utils.save_model(folder, model)
    mlx_lm.utils.save_config(config, folder / "config.json")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(ROOT / "mini/checkpoint" / name, folder)


if __name__ == "__main__":
    mx.set_default_device(mx.cpu)
    main(sys.argv[1], Path(sys.argv[2]))
