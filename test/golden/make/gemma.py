"""Variants of Gemma 3n and Gemma 4, in the shape of variants.py: layers that share keys and values, layers with inputs of their own."""

import mlx.core as mx
from dense import TINY

SHARED = ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention", "sliding_attention", "full_attention"]

GEMMA4_TEXT = {
    **{name: value for name, value in TINY.items() if name != "rope_theta"},
    "model_type": "gemma4_text",
    "hidden_activation": "gelu_pytorch_tanh",
    "num_hidden_layers": 6,
    "layer_types": SHARED,
    "num_kv_shared_layers": 2,
    "use_double_wide_mlp": True,
    "head_dim": 16,
    "global_head_dim": 32,
    "sliding_window": 16,
    "rope_parameters": {
        "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1000000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
    },
    "hidden_size_per_layer_input": 8,
    "vocab_size_per_layer_input": 64,
    "final_logit_softcapping": 4.0,
}
LARGE = {
    **GEMMA4_TEXT,
    "num_hidden_layers": 3,
    "layer_types": SHARED[:3],
    "num_kv_shared_layers": 0,
    "use_double_wide_mlp": False,
    "hidden_size_per_layer_input": 0,
    "attention_k_eq_v": True,
    "num_global_key_value_heads": 1,
    "final_logit_softcapping": None,
}
EXPERTS = {"enable_moe_block": True, "num_experts": 8, "top_k_experts": 3, "moe_intermediate_size": 8}
FOR_GROUPS = {"hidden_size": 64, "intermediate_size": 64, "hidden_size_per_layer_input": 32}
GEMMA3N_TEXT = {
    **TINY,
    "model_type": "gemma3n_text",
    "hidden_activation": "gelu_pytorch_tanh",
    "num_hidden_layers": 6,
    "intermediate_size": [32, 48, 32, 32, 48, 32],
    "layer_types": SHARED,
    "num_kv_shared_layers": 2,
    "activation_sparsity_pattern": [0.8, 0.8, 0.5, 0.0, 0.0, 0.0],
    "head_dim": 16,
    "rope_theta": 1000000.0,
    "rope_local_base_freq": 10000.0,
    "sliding_window": 16,
    "hidden_size_per_layer_input": 8,
    "vocab_size_per_layer_input": 60,
    "altup_num_inputs": 3,
    "altup_active_idx": 0,
    "altup_coef_clip": 120.0,
    "altup_correct_scale": True,
    "laurel_rank": 4,
    "final_logit_softcapping": 4.0,
}
OTHERWISE = {"altup_active_idx": 1, "altup_correct_scale": False, "num_kv_shared_layers": 0, "intermediate_size": 32}


def around(text):
    """A config.json of the whole model, of which `text` is a part."""
    return {"model_type": text["model_type"].removesuffix("_text"), "vocab_size": text["vocab_size"], "text_config": text}


def with_towers(weights, _):
    towers = {"model.vision_tower.stem.weight": (4, 8), "model.audio_tower.norm.weight": (8,), "model.embed_vision.hard_norm.weight": (8,)}
    return {**weights, **{name: mx.ones(shape) for name, shape in towers.items()}}


def release(weights, config):
    """What transformers writes: other prefixes, gate and up of all experts as one, towers beside the text, and old projections of layers that share."""
    result = {"model.vision_tower.patch_embedder.weight": mx.ones((4, 8)), "model.embed_audio.embedding_projection.weight": mx.ones((8, 4))}
    for name, value in weights.items():
        own = name.replace("language_model.model.", "model.language_model.")
        if ".switch_glu.up_proj." in own:
            continue
        if ".switch_glu.gate_proj." in own:
            value = mx.concatenate([value, weights[name.replace("gate_proj", "up_proj")]], axis=-2)
            own = own.replace("switch_glu.gate_proj.weight", "gate_up_proj")
        result[own.replace("switch_glu.down_proj.weight", "down_proj")] = value
    text = config["text_config"]
    for layer in range(text["num_hidden_layers"] - text["num_kv_shared_layers"], text["num_hidden_layers"]):
        result[f"model.language_model.layers.{layer}.self_attn.k_proj.weight"] = mx.ones((32, 32))
    return result


GEMMA = {
    "gemma3n/plain": {"base": around(GEMMA3N_TEXT), "prompt": 40},
    "gemma3n/otherwise": {"base": around({**GEMMA3N_TEXT, **OTHERWISE}), "prompt": 40, "layout": with_towers},
    "gemma3n/8-bit": {"base": around({**GEMMA3N_TEXT, **FOR_GROUPS}), "prompt": 40, "quantize": {"bits": 8, "group_size": 32}},
    "gemma4_text/plain": {"base": GEMMA4_TEXT, "prompt": 40},
    "gemma4_text/large": {"base": {**LARGE, **EXPERTS}, "prompt": 40, "dtype": "float32"},
    "gemma4_text/4-bit": {"base": GEMMA4_TEXT, "config": FOR_GROUPS, "prompt": 40, "quantize": {"bits": 4, "group_size": 32}},
    "gemma4/text": {"base": around(LARGE), "prompt": 40},
    "gemma4/release": {"base": around({**GEMMA4_TEXT, **EXPERTS}), "prompt": 40, "layout": release},
}
