"""Records low-rank adapters beside two checkpoints, and what mlx-lm makes of these with them: adapters.py

adapters/FAMILY/NAME has what mlx-lm's training writes, with random numbers, and reference.safetensors as record.py describes it.
adapters/qwen2/dora is there for a base with biases.
adapters/qwen3/peft and peft-dora hold the numbers of adapters/qwen3/every and dora in PEFT's layout; their references are the same.
"""

import json
import shutil

import mlx.core as mx
import mlx.utils
import mlx_lm.utils
import numpy as np
from mlx_lm.tuner.utils import linear_to_lora_layers, load_adapters
from record import GOLDEN, mlx_lm_logprobs

BASE = GOLDEN / "qwen3" / "8-bit"
BIASED = GOLDEN / "qwen2" / "plain"
ADAPTERS = {
    "some": {"num_layers": 1, "lora_parameters": {"rank": 3, "scale": 4.0, "dropout": 0.0, "keys": ["self_attn.q_proj", "self_attn.v_proj"]}},
    "every": {"num_layers": 2, "lora_parameters": {"rank": 4, "scale": 2.0, "dropout": 0.0}},
    "dora": {"fine_tune_type": "dora", "num_layers": 2, "lora_parameters": {"rank": 3, "scale": 1.5, "dropout": 0.0}},
}
IN_PEFT = {"peft": "every", "peft-dora": "dora"}


def fresh(folder, name):
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).mkdir(parents=True)
    return folder / name


def load(path):
    model, _ = mlx_lm.utils.load_model(path)
    model.set_dtype(mx.float32)
    return model


def drawn(name, old):
    if name.endswith(".m"):
        return old * mx.random.uniform(0.5, 1.5, old.shape)
    return mx.random.normal(old.shape) / old.shape[0] ** 0.5


def record(folder, config, seed, path=BASE):
    mx.random.seed(seed)
    model = load(path)
    linear_to_lora_layers(model, config["num_layers"], dict(config["lora_parameters"]), use_dora=config.get("fine_tune_type") == "dora")
    tensors = {
        name: drawn(name, old)
        for name, old in mlx.utils.tree_flatten(model.parameters())
        if name.endswith(("lora_a", "lora_b", ".m"))
    }
    mx.save_safetensors(str(folder / "adapters.safetensors"), tensors)
    (folder / "adapter_config.json").write_text(json.dumps({"fine_tune_type": "lora", **config}))
    model = load_adapters(load(path), str(folder))
    model.eval()
    prompt = np.random.default_rng(seed).integers(0, json.loads((path / "config.json").read_text())["vocab_size"], 24).tolist()
    ids, logprobs = mlx_lm_logprobs(model, prompt)
    plain = mlx_lm_logprobs(load(path), prompt)[1][:24]
    print(f"{folder.name}: {len(tensors)} tensors, changes log-probabilities by up to {np.abs(logprobs[:24] - plain).max():.2f}")
    mx.save_safetensors(str(folder / "reference.safetensors"), {"ids": mx.array(ids, mx.int32), "logprobs": mx.array(logprobs.astype(np.float32))})
    return tensors


def in_peft_layout(folder, tensors, config):
    ends = {"lora_a": "lora_A.weight", "lora_b": "lora_B.weight", "m": "lora_magnitude_vector"}
    named = {}
    for name, tensor in tensors.items():
        stem, end = name.rsplit(".", 1)
        named[f"base_model.model.{stem}.{ends[end]}"] = mx.contiguous(tensor.T)
    mx.save_safetensors(str(folder / "adapter_model.safetensors"), named)
    rank, scale = config["lora_parameters"]["rank"], config["lora_parameters"]["scale"]
    fields = {"peft_type": "LORA", "r": rank, "lora_alpha": rank * scale, "bias": "none", "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]}
    if "fine_tune_type" in config:
        fields["use_dora"] = True
    (folder / "adapter_config.json").write_text(json.dumps(fields))


def main():
    mx.disable_compile()
    folder = GOLDEN / "adapters" / "qwen3"
    tensors = {name: record(fresh(folder, name), config, seed) for seed, (name, config) in enumerate(ADAPTERS.items())}
    record(fresh(GOLDEN / "adapters" / "qwen2", "dora"), ADAPTERS["dora"], 9, BIASED)
    for name, source in IN_PEFT.items():
        peft = fresh(folder, name)
        in_peft_layout(peft, tensors[source], ADAPTERS[source])
        shutil.copy(folder / source / "reference.safetensors", peft)


if __name__ == "__main__":
    main()
