"""Records tiny encoders and rerankers with transformers and sentence-transformers: encoders.py [name ...]

Each folder of test/golden/encoders gets a checkpoint as its library saves it, and vectors.safetensors: the ids of several texts one behind
the other, their lengths, the segment of each id, and one vector per text, which the library computed for each text alone in float32.
"""

import json
import shutil
import sys
import zlib
from pathlib import Path

import mlx.core as mx
import numpy as np
import torch
import transformers as tf
from safetensors.numpy import load_file, save_file
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling

GOLDEN = Path(__file__).resolve().parent.parent / "encoders"
LENGTHS = [5, 1, 30, 9, 5, 17, 2, 30, 3]
YES, NO = 3, 7
TINY = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
GROUPED = {**TINY, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 512}
MODERN = {**TINY, "local_attention": 8, "num_hidden_layers": 3, "pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2}
GEMMA = {
    **GROUPED,
    "query_pre_attn_scalar": 12,
    "sliding_window": 8,
    "layer_types": ["sliding_attention", "full_attention"],
    "use_bidirectional_attention": True,
}
OLD_ROPE = {"global_rope_theta": 20000.0, "local_rope_theta": 500.0, "global_attn_every_n_layers": 2}


def mean(width):
    return [Pooling(width, pooling_mode="mean"), Normalize()]


def last(width):
    return [Pooling(width, pooling_mode="lasttoken"), Normalize()]


def cls_dense(width):
    return [Pooling(width, pooling_mode="cls"), Dense(width, 24, bias=True, activation_function=torch.nn.Tanh())]


def mean_dense_twice(width):
    plain = {"bias": False, "activation_function": torch.nn.Identity()}
    return [Pooling(width, pooling_mode="mean"), Dense(width, 48, **plain), Dense(48, width, **plain), Normalize()]


# name -> model class, config class, config, modules behind it (None: a reranker)
VARIANTS = {
    "bert/mean": (tf.BertModel, tf.BertConfig, TINY, mean),
    "bert/cls-dense": (tf.BertModel, tf.BertConfig, {**TINY, "hidden_act": "gelu_new"}, cls_dense),
    "bert/8-bit": (tf.BertModel, tf.BertConfig, TINY, mean),
    "bert/rank": (tf.BertForSequenceClassification, tf.BertConfig, {**TINY, "num_labels": 1}, None),
    "roberta/mean": (tf.RobertaModel, tf.RobertaConfig, {**TINY, "pad_token_id": 1}, mean),
    "xlm-roberta/mean": (tf.XLMRobertaModel, tf.XLMRobertaConfig, {**TINY, "pad_token_id": 1, "type_vocab_size": 1}, mean),
    "xlm-roberta/rank": (
        tf.XLMRobertaForSequenceClassification,
        tf.XLMRobertaConfig,
        {**TINY, "pad_token_id": 1, "type_vocab_size": 1, "num_labels": 1},
        None,
    ),
    "modernbert/mean": (tf.ModernBertModel, tf.ModernBertConfig, MODERN, mean),
    "modernbert/rank": (
        tf.ModernBertForSequenceClassification,
        tf.ModernBertConfig,
        {**MODERN, **OLD_ROPE, "num_labels": 1, "classifier_pooling": "mean"},
        None,
    ),
    "qwen3/last": (tf.Qwen3Model, tf.Qwen3Config, GROUPED, last),
    "qwen3/verdict-rank": (tf.Qwen3ForCausalLM, tf.Qwen3Config, {**GROUPED, "tie_word_embeddings": True}, None),
    "qwen3/score-rank": (tf.Qwen3ForSequenceClassification, tf.Qwen3Config, {**GROUPED, "num_labels": 1, "pad_token_id": 0}, None),
    "gemma3_text/both-sides": (tf.Gemma3TextModel, tf.Gemma3TextConfig, GEMMA, mean_dense_twice),
    "gemma3_text/new-rope": (
        tf.Gemma3TextModel,
        tf.Gemma3TextConfig,
        {
            **GEMMA,
            "rope_parameters": {
                "full_attention": {"rope_type": "default", "rope_theta": 50000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 700.0},
            },
        },
        mean,
    ),
    "llama/last": (tf.LlamaModel, tf.LlamaConfig, GROUPED, last),
    "mistral/last": (tf.MistralModel, tf.MistralConfig, {**GROUPED, "sliding_window": 8}, last),
    "qwen2/last": (tf.Qwen2Model, tf.Qwen2Config, {**GROUPED, "head_dim": 8}, last),
}
OLD_CONFIG = {
    "gemma3_text/both-sides": {"rope_theta": 1000000.0, "rope_local_base_freq": 10000.0},
    "modernbert/rank": OLD_ROPE,
}


def randomize(module):
    """Weights for which attention looks at something and no text is like another."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            noise = torch.randn_like(parameter)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.add_(0.2 * noise)
            elif parameter.dim() < 2:
                parameter.copy_(0.1 * noise)
            elif "position" in name or "token_type" in name:
                parameter.copy_(0.3 * noise)
            elif "embed" in name:
                parameter.copy_(noise)
            else:
                parameter.copy_((1.6 if "q" in name else 1.2) / parameter.shape[-1] ** 0.5 * noise)


def pack(folder, model):
    """Packs matrices as MLX does, and gives the model the numbers that they then stand for."""
    path = folder / "model.safetensors"
    weights, packed = load_file(path), {}
    for name, value in weights.items():
        if value.ndim < 2 or "pooler" in name or "position" in name or "token_type" in name:
            packed[name] = value
            continue
        w, scales, biases = mx.quantize(mx.array(value), group_size=32, bits=8)
        stem = name.removesuffix("weight")
        packed |= {name: np.array(w), f"{stem}scales": np.array(scales), f"{stem}biases": np.array(biases)}
        weights[name] = np.array(mx.dequantize(w, scales, biases, group_size=32, bits=8))
    save_file(packed, path, {"format": "mlx"})
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()}, strict=False)
    edit(folder / "config.json", {"quantization": {"group_size": 32, "bits": 8}})


def edit(path, change, drop=()):
    config = {**json.loads(path.read_text()), **change}
    path.write_text(json.dumps({key: value for key, value in config.items() if key not in drop}, indent=2) + "\n")


def write_modules(folder, modules):
    kinds = ["Transformer", *(type(module).__name__ for module in modules)]
    paths = ["", *(f"{i + 1}_{kind}" for i, kind in enumerate(kinds[1:]))]
    entries = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"} for i, (kind, path) in enumerate(zip(kinds, paths))
    ]
    (folder / "modules.json").write_text(json.dumps(entries, indent=2) + "\n")
    for module, path in zip(modules, paths[1:]):
        if not isinstance(module, Normalize):
            (folder / path).mkdir()
            module.save(str(folder / path))


def encode(model, modules, ids, segments):
    inputs = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
    if getattr(model.config, "type_vocab_size", 1) > 1:
        inputs["token_type_ids"] = torch.tensor([segments])
    out = model(**inputs)
    if modules is None and not hasattr(model, "lm_head"):
        return out.logits[0]
    if modules is None:
        return out.logits[0, -1, YES : YES + 1] - out.logits[0, -1, NO : NO + 1]
    features = {"token_embeddings": out.last_hidden_state, "attention_mask": inputs["attention_mask"]}
    for module in modules:
        features = module(features)
    return features["sentence_embedding"][0]


def record(name):
    model_class, config_class, config, make_modules = VARIANTS[name]
    folder, seed = GOLDEN / name, zlib.crc32(name.encode())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    model = model_class._from_config(config_class(**config), attn_implementation="eager").eval().float()
    modules = make_modules and make_modules(config["hidden_size"])
    for part in [model, *(modules or [])]:
        randomize(part)
    model.save_pretrained(folder)
    if name in OLD_CONFIG:
        edit(folder / "config.json", OLD_CONFIG[name], drop=["rope_parameters", *(["layer_types"] if "modernbert" in name else [])])
    if name.endswith("8-bit"):
        pack(folder, model)
    if modules is not None:
        write_modules(folder, modules)
    random = np.random.default_rng(seed)
    texts = [random.integers(4, config["vocab_size"], length).tolist() for length in LENGTHS]
    kinds = [([0] * (len(ids) // 2) + [1] * len(ids))[: len(ids)] if name == "bert/rank" else [0] * len(ids) for ids in texts]
    with torch.no_grad():
        vectors = np.stack([encode(model, modules, ids, segments).numpy() for ids, segments in zip(texts, kinds)])
    flat = {"ids": texts, "segments": kinds}
    tensors = {key: np.array(sum(lists, []), dtype=np.int32) for key, lists in flat.items()}
    tensors |= {"lengths": np.array(LENGTHS, dtype=np.int32), "vectors": vectors.astype(np.float32)}
    save_file(tensors, folder / "vectors.safetensors")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{name:24} {size / 1000:6.0f} kB  {vectors.shape[1]} numbers, spread {vectors.std(axis=0).mean():.2f}")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or VARIANTS:
        record(chosen)
