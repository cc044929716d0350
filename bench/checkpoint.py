"""Writes a seeded Qwen3 checkpoint with random 8-bit weights, so that every server under measurement loads the same bytes.

    python bench/checkpoint.py tiny FOLDER      3 layers, hidden 64, group 32, float32: a few hundred kB, all host work
    python bench/checkpoint.py small FOLDER     the shape of Qwen3-0.6B, group 64, bfloat16: about 640 MB, for a GPU

Needs mlx and tokenizers (the mlx-lm environment of bench/peers). The tokenizer is the built-in model's; `--tokenizer` names another folder.
Some pieces can never be chosen greedily: their output rows are zero, so their logit is exactly 0 and some other is always above it.
These are the end markers (no server can stop early, so all make the same number of tokens) and whatever is not plain text on its own.
"""

import argparse
import json
import os
import re
import shutil

import mlx.core as mx

SHAPES = {
    "tiny": dict(hidden_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=32, intermediate_size=192,
                 vocab_size=4096, tie_word_embeddings=False),
    "small": dict(hidden_size=1024, num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=8, head_dim=128, intermediate_size=3072,
                  vocab_size=151936, tie_word_embeddings=True),
}  # fmt: skip
GROUP = {"tiny": 32, "small": 64}
# MLX's CPU back end multiplies quantized matrices many times faster in float32 than in bfloat16, for the peers too.
DTYPE = {"tiny": "float32", "small": "bfloat16"}
PLAIN = re.compile(r"Ġ?[A-Za-z]+")


def config(shape, dtype):
    quantization = {"group_size": GROUP[shape], "bits": 8, "mode": "affine"}
    return SHAPES[shape] | {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "hidden_act": "silu",
        "attention_bias": False,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "max_position_embeddings": 4096,
        "torch_dtype": dtype,
        "use_cache": True,
        "quantization": quantization,
        "quantization_config": quantization,
    }


def silent_ids(tokenizer, size):
    """The ids whose output row is zero: everything but pieces of letters."""
    vocab = tokenizer["model"]["vocab"]
    return sorted(set(range(size)) - {id for piece, id in vocab.items() if PLAIN.fullmatch(piece)})


def weights(c, dtype, silent):
    """Yields (name, tensor) pairs in mlx-lm's layout, quantized, one matrix at a time."""
    kind, hidden, ffn = getattr(mx, dtype), c["hidden_size"], c["intermediate_size"]
    q, kv = c["num_attention_heads"] * c["head_dim"], c["num_key_value_heads"] * c["head_dim"]
    group, bits = c["quantization"]["group_size"], c["quantization"]["bits"]

    def matrix(name, rows, columns, scale, zero=()):
        w = mx.random.normal((rows, columns)).astype(kind) * scale
        if len(zero):
            w[mx.array(zero)] = 0
        made = mx.quantize(w, group, bits)
        mx.eval(made)
        return [(f"{name}.{part}", x) for part, x in zip(("weight", "scales", "biases"), made)]

    tied = c["tie_word_embeddings"]
    yield from matrix("model.embed_tokens", c["vocab_size"], hidden, 0.02, silent if tied else ())
    if not tied:
        yield from matrix("lm_head", c["vocab_size"], hidden, hidden**-0.5, silent)
    yield "model.norm.weight", mx.ones(hidden, kind)
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}"
        for norm in ("input_layernorm", "post_attention_layernorm"):
            yield f"{at}.{norm}.weight", mx.ones(hidden, kind)
        for norm in ("q_norm", "k_norm"):
            yield f"{at}.self_attn.{norm}.weight", mx.ones(c["head_dim"], kind)
        for name, rows, columns in (
            ("self_attn.q_proj", q, hidden),
            ("self_attn.k_proj", kv, hidden),
            ("self_attn.v_proj", kv, hidden),
            ("self_attn.o_proj", hidden, q),
            ("mlp.gate_proj", ffn, hidden),
            ("mlp.up_proj", ffn, hidden),
            ("mlp.down_proj", hidden, ffn),
        ):
            yield from matrix(f"{at}.{name}", rows, columns, columns**-0.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("folder")
    parser.add_argument("--tokenizer", default="mini/checkpoint", help="folder with tokenizer.json and tokenizer_config.json")
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), help="of scales, biases and norms")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    os.makedirs(args.folder, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(os.path.join(args.tokenizer, name), args.folder)
    with open(os.path.join(args.folder, "tokenizer.json")) as f:
        tokenizer = json.load(f)
    with open(os.path.join(args.folder, "tokenizer_config.json")) as f:
        end = json.load(f)["eos_token"]
    end_id = next(t["id"] for t in tokenizer["added_tokens"] if t["content"] == end)

    mx.set_default_device(mx.cpu)  # the same bytes on every machine
    mx.random.seed(args.seed)
    dtype = args.dtype or DTYPE[args.shape]
    c = config(args.shape, dtype) | {"bos_token_id": None, "eos_token_id": end_id, "pad_token_id": end_id}
    made = dict(weights(c, dtype, silent_ids(tokenizer, c["vocab_size"])))
    mx.save_safetensors(os.path.join(args.folder, "model.safetensors"), made, metadata={"format": "mlx"})
    with open(os.path.join(args.folder, "config.json"), "w") as f:
        json.dump(c, f, indent=1)
    print(f"{args.folder}: {args.shape}, {dtype}, {sum(x.nbytes for x in made.values()) / 1e6:.1f} MB, seed {args.seed}")


if __name__ == "__main__":
    main()
