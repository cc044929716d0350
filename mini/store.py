"""Weights and JSON on disk: safetensors read and written with numpy alone, a training run as small shards."""
import glob
import json
import os

import numpy as np

DTYPES = {"F16": np.float16, "F32": np.float32, "BF16": np.uint16, "U32": np.uint32}
SHARD_BYTES = 15_000_000


def read_safetensors(path):
    """All tensors of a file; bfloat16 comes as its bits."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*t["data_offsets"])], DTYPES[t["dtype"]]).reshape(t["shape"]) for name, t in header.items()}


def write_safetensors(path, tensors, made_by):
    """tensors: name to (dtype name, array)."""
    header, offset = {"__metadata__": {"format": made_by}}, 0
    for name, (dtype, array) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for _, array in tensors.values():
            f.write(array.tobytes())


def save_run(folder, name, config, tensors):
    """config.json and <name><i>.safetensors in float16, each under 16 MB; older ones stay until all new ones are written."""
    shards, size = [{}], 0
    for key, array in tensors.items():
        array = array.astype(np.float16)
        if size + array.nbytes > SHARD_BYTES:
            shards.append({})
            size = 0
        shards[-1][key] = ("F16", array)
        size += array.nbytes
    paths = [f"{folder}/{name}{i}.safetensors" for i in range(len(shards))]
    for path, shard in zip(paths, shards):
        write_safetensors(path + ".part", shard, "np")
    for path in paths:
        os.replace(path + ".part", path)
    write_json(f"{folder}/config.json", config)


def read_run(folder, name="final"):
    """(config, tensors) that save_run wrote."""
    with open(f"{folder}/config.json") as f:
        config = json.load(f)
    tensors = {}
    for path in sorted(glob.glob(f"{folder}/{name}*.safetensors")):
        tensors.update(read_safetensors(path))
    assert tensors, f"no {name}*.safetensors in {folder}"
    return config, tensors


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1, ensure_ascii=False)
        f.write("\n")
