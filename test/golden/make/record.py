"""Records tiny checkpoints and their reference log-probabilities with mlx-lm: record.py [family/variant ...]

Where mlx-lm computes something else than a family's authors, `authors` of the variant changes mlx-lm's model first.

Each folder gets config.json, the safetensors files, and reference.safetensors: ids [n] (a prompt, then what greedy decoding chose) and
logprobs [n, vocab], where row i is what follows ids[0] .. ids[i]. All reference numbers are float32 on the CPU.
"""

import json
import shutil
import sys
import zlib
from pathlib import Path

import mlx.core as mx
import mlx.nn
import mlx.utils
import mlx_lm.utils
import numpy as np
from mlx_lm.models.cache import make_prompt_cache
from variants import VARIANTS
from window import window_logprobs

GOLDEN = Path(__file__).resolve().parent.parent
DECODED = 48
REQUIRED = ("sliding_window", "sliding_window_pattern", "rope_scaling", "q_lora_rank", "final_logit_softcapping")  # null is a value of these


def randomize(model, seed):
    """Weights for which attention looks at something, routers choose, and the log-probabilities are far from uniform."""
    mx.random.seed(seed)
    is_gemma = model.model_type.startswith("gemma")
    centre = 0.0 if model.model_type in ("gemma", "gemma2", "gemma3", "gemma3_text") else 1.0  # their norms multiply by 1 + gain
    wide = 1.4 if is_gemma else 2.5  # Gemma scales embeddings itself

    def weight(name, old):
        shape = old.shape
        if "norm" in name and name.endswith(".weight"):
            sharp = 0.5 if "q_norm" in name else 0.0
            return centre + sharp + 0.2 * mx.random.normal(shape)
        if name.endswith(("act_fn.beta", "act_fn.eps")):
            return old
        if name.endswith(".e_score_correction_bias"):
            return 0.1 * mx.random.normal(shape)
        if name.endswith(".bias"):
            return 0.3 * mx.random.normal(shape)
        if len(shape) < 2:
            return old + 0.3 * mx.random.normal(shape)
        if "embed_tokens" in name or "lm_head" in name:
            return wide / shape[1] ** 0.5 * mx.random.normal(shape)
        gain = 1.6 if "q_proj" in name or "k_proj" in name else 1.0
        return gain / shape[-1] ** 0.5 * mx.random.normal(shape)

    parameters = [(name, weight(name, old)) for name, old in mlx.utils.tree_flatten(model.parameters())]
    model.load_weights(parameters)


def in_shards(count):
    """mlx-lm's make_shards for a number of files instead of their size."""

    def make_shards(weights, *_):
        items, size = list(weights.items()), -(-len(weights) // count)
        return [dict(items[i : i + size]) for i in range(0, len(items), size)]

    return make_shards


def write_checkpoint(folder, variant, seed):
    config = {**variant["base"], **variant.get("config", {})}
    config = {k: v for k, v in config.items() if v is not None or k in REQUIRED}
    model_class, args_class = mlx_lm.utils._get_classes(config)
    model = model_class(args_class.from_dict(config))
    randomize(model, seed)
    model.set_dtype(getattr(mx, variant.get("dtype", "bfloat16")))
    if "quantize" in variant:
        layers = variant.get("layers", {})
        decide = variant.get("predicate", lambda path: layers.get(path, True))
        model, config = mlx_lm.utils.quantize_model(model, config, **variant["quantize"], quant_predicate=lambda path, _: decide(path))
        for path, how in layers.items():
            config["quantization"][path] = how
    mlx_lm.utils.make_shards = in_shards(variant.get("shards", 1))
    mlx_lm.utils.save_model(folder, model)
    if "shards" not in variant:
        (folder / "model.safetensors.index.json").unlink()
    if "layout" in variant:
        path = str(folder / "model.safetensors")
        weights = mx.load(path)
        mx.eval(weights)
        mx.save_safetensors(path, variant["layout"](weights, config), {"format": "pt"})
    mlx_lm.utils.save_config(config, folder / "config.json")


def mlx_lm_logprobs(model, prompt):
    """A prompt pass, then greedy decoding, as mlx-lm computes it."""
    cache = make_prompt_cache(model)
    ids, rows, new = list(prompt), [], list(prompt)
    for _ in range(1 + DECODED):
        logits = model(mx.array([new]), cache=cache)[0].astype(mx.float32)
        logprobs = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
        rows.append(np.array(logprobs))
        new = [int(mx.argmax(logits[-1]))]
        ids += new
    return ids[:-1], np.concatenate(rows)


def record(name, variant):
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    seed = zlib.crc32(name.encode())
    write_checkpoint(folder, variant, seed)
    model, config = mlx_lm.utils.load_model(folder)
    model.set_dtype(mx.float32)
    gelu = mlx.nn.gelu  # authors may exchange it
    variant.get("authors", lambda *_: None)(model, config)
    vocab = config.get("vocab_size") or config["text_config"]["vocab_size"]
    prompt = np.random.default_rng(seed).integers(0, vocab, variant.get("prompt", 24)).tolist()
    if variant.get("reference") == "window":
        ids, logprobs = window_logprobs(dict(mlx.utils.tree_flatten(model.parameters())), config, prompt, DECODED)
    else:
        ids, logprobs = mlx_lm_logprobs(model, prompt)
    mlx.nn.gelu = gelu
    reference = {"ids": mx.array(ids, mx.int32), "logprobs": mx.array(logprobs.astype(np.float32))}
    mx.save_safetensors(str(folder / "reference.safetensors"), reference, {"prompt": str(len(prompt))})
    size = sum(path.stat().st_size for path in folder.iterdir())
    best = logprobs.max(axis=-1)
    print(f"{name:24} {size / 1000:6.0f} kB  best logprob {best.mean():.2f} ({best.min():.2f} to {best.max():.2f}), {len(set(ids))} ids")


def without_global_scale(gather_qmm):
    """mlx-lm 0.32.2 passes gather_qmm an argument that comes with a later MLX; without nvfp4 scales of its own it is None."""

    def gather(*args, global_scale=None, **options):
        assert global_scale is None
        return gather_qmm(*args, **options)

    return gather


def main(names):
    mx.disable_compile()  # it would need a C++ compiler on the CPU
    mx.gather_qmm = without_global_scale(mx.gather_qmm)
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        sys.exit(f"unknown variants: {', '.join(unknown)}")
    for name in names or VARIANTS:
        record(name, VARIANTS[name])
    versions = {"mlx": mx.__version__, "mlx-lm": mlx_lm.__version__}
    (GOLDEN / "versions.json").write_text(json.dumps(versions) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
