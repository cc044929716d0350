"""Writes trained weights as the MLX checkpoint that the server ships: quantized matrices, config, tokenizer, chat template.

python3 export.py RUN OUT [--bits 8] [--group 64]

RUN holds config.json and part*.safetensors (float16, Hugging Face names). Only numpy is needed.
"""
import argparse
import glob
import json
import os
import shutil

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DTYPES = {"F16": np.float16, "F32": np.float32}


def read_safetensors(path):
    """All tensors of a float16 or float32 file."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*t["data_offsets"])], DTYPES[t["dtype"]]).reshape(t["shape"]) for name, t in header.items()}


def write_safetensors(path, tensors):
    """tensors: name to (dtype name, array); bfloat16 comes as uint16."""
    header, offset = {"__metadata__": {"format": "mlx"}}, 0
    for name, (dtype, array) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for _, array in tensors.values():
            f.write(array.tobytes())


def to_bf16(x):
    """The nearest bfloat16, ties to even, as its bits."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def quantize(w, bits, group):
    """(packed uint32 [rows, columns * bits / 32], scales, biases): MLX's affine form, w = scale * q + bias for each group of a row."""
    rows, columns = w.shape
    g = w.astype(np.float32).reshape(rows, columns // group, group)
    low, high = g.min(-1), g.max(-1)
    scales, biases = to_bf16(np.maximum((high - low) / (2 ** bits - 1), 1e-7)), to_bf16(low)
    q = np.rint((g - from_bf16(biases)[..., None]) / from_bf16(scales)[..., None]).clip(0, 2 ** bits - 1).astype(np.uint32)
    each = 32 // bits
    shifts = np.arange(each, dtype=np.uint32) * bits
    return np.bitwise_or.reduce(q.reshape(rows, -1, each) << shifts, axis=-1).astype(np.uint32), scales, biases


def dequantize(packed, scales, biases, bits, group):
    """float32 [rows, columns] as the server will see them."""
    shifts = np.arange(32 // bits, dtype=np.uint32) * bits
    q = ((packed[..., None] >> shifts) & (2 ** bits - 1)).reshape(packed.shape[0], -1, group).astype(np.float32)
    return (q * from_bf16(scales)[..., None] + from_bf16(biases)[..., None]).reshape(packed.shape[0], -1)


def read_run(folder):
    """(config, tensors) of a training run."""
    with open(f"{folder}/config.json") as f:
        config = json.load(f)
    tensors = {}
    for path in sorted(glob.glob(f"{folder}/part*.safetensors")):
        tensors.update(read_safetensors(path))
    return config, tensors


def export(run, out, bits=8, group=64):
    config, weights = read_run(run)
    tensors = {}
    for name, w in weights.items():
        if w.ndim == 1:
            tensors[name] = ("BF16", to_bf16(w))
            continue
        packed, scales, biases = quantize(w, bits, group)
        stem = name.removesuffix(".weight")
        tensors.update({f"{stem}.weight": ("U32", packed), f"{stem}.scales": ("BF16", scales), f"{stem}.biases": ("BF16", biases)})
    os.makedirs(out, exist_ok=True)
    write_safetensors(f"{out}/model.safetensors", tensors)
    config["quantization"] = config["quantization_config"] = {"group_size": group, "bits": bits, "mode": "affine"}
    write_json(f"{out}/config.json", config)
    write_json(f"{out}/generation_config.json", {"eos_token_id": config["eos_token_id"], "pad_token_id": config["pad_token_id"], "do_sample": False})
    if not os.path.samefile(out, f"{HERE}/checkpoint"):
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(f"{HERE}/checkpoint/{name}", out)
    size = sum(os.path.getsize(f"{out}/{n}") for n in os.listdir(out))
    print(f"{out}: {bits} bits, group {group}, {size / 1e6:.2f} MB")


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("run")
    p.add_argument("out")
    p.add_argument("--bits", type=int, default=8)
    p.add_argument("--group", type=int, default=64)
    a = p.parse_args()
    export(a.run, a.out, a.bits, a.group)
