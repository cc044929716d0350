"""Writes trained weights as the MLX checkpoint that the server ships: quantized matrices, config, tokenizer, chat template.

python3 export.py RUN OUT [--bits 8] [--group 64] [--name last]
"""
import argparse
import os
import shutil

import numpy as np

from store import read_run, write_json, write_safetensors

HERE = os.path.dirname(os.path.abspath(__file__))


def to_bf16(x):
    """The nearest bfloat16, ties to even, as its bits."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def levels(w, bits, group):
    """(q uint32 [rows, groups, group], scales, biases): w = scale * q + bias, chosen for the rounded scale and bias."""
    g = w.astype(np.float32).reshape(w.shape[0], -1, group)
    low, high = g.min(-1), g.max(-1)
    scales, biases = to_bf16(np.maximum((high - low) / (2 ** bits - 1), 1e-7)), to_bf16(low)
    q = np.rint((g - from_bf16(biases)[..., None]) / from_bf16(scales)[..., None]).clip(0, 2 ** bits - 1)
    return q.astype(np.uint32), scales, biases


def pack(q, bits):
    """MLX's words: the first of 32 / bits values in the lowest bits."""
    each = 32 // bits
    shifts = np.arange(each, dtype=np.uint32) * np.uint32(bits)
    return np.bitwise_or.reduce(q.reshape(q.shape[0], -1, each) << shifts, axis=-1)


def as_shipped(tensors, bits=8, group=64):
    """The weights as the server will see them, in float32; norms stay bfloat16."""
    out = {}
    for name, w in tensors.items():
        if w.ndim == 1:
            out[name] = from_bf16(to_bf16(w))
        else:
            q, scales, biases = levels(w, bits, group)
            out[name] = (q * from_bf16(scales)[..., None] + from_bf16(biases)[..., None]).astype(np.float32).reshape(w.shape)
    return out


def packed(tensors, bits, group):
    out = {}
    for name, w in tensors.items():
        if w.ndim == 1:
            out[name] = ("BF16", to_bf16(w))
            continue
        stem = name.removesuffix(".weight")
        q, scales, biases = levels(w, bits, group)
        out.update({f"{stem}.weight": ("U32", pack(q, bits)), f"{stem}.scales": ("BF16", scales), f"{stem}.biases": ("BF16", biases)})
    return out


def export(run, out, bits=8, group=64, name="final"):
    config, tensors = read_run(run, name)
    os.makedirs(out, exist_ok=True)
    write_safetensors(f"{out}/model.safetensors", packed(tensors, bits, group), "mlx")
    config["quantization"] = config["quantization_config"] = {"group_size": group, "bits": bits, "mode": "affine"}
    write_json(f"{out}/config.json", config)
    write_json(f"{out}/generation_config.json", {"eos_token_id": config["eos_token_id"], "pad_token_id": config["pad_token_id"], "do_sample": False})
    if not os.path.samefile(out, f"{HERE}/checkpoint"):
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(f"{HERE}/checkpoint/{name}", out)
    size = sum(os.path.getsize(f"{out}/{n}") for n in os.listdir(out))
    print(f"{out}: {bits} bits, group {group}, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("run")
    p.add_argument("out")
    p.add_argument("--bits", type=int, default=8)
    p.add_argument("--group", type=int, default=64)
    p.add_argument("--name", default="final", help="which weights of the run: final, last or flat")
    a = p.parse_args()
    export(a.run, a.out, a.bits, a.group, a.name)
