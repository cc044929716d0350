"""Variants of dense families, in the shape of variants.py. Each family's first variant is its plain form."""

import mlx.core as mx
from authors import both, tanh_gelu, windows

TINY = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "max_position_embeddings": 512,
    "rope_theta": 10000.0,
}
SILU = {"hidden_act": "silu"}
LAYER_NORM = {**TINY, "rms_norm_eps": None, "layer_norm_eps": 1e-5}

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
LONG = {
    "type": "longrope",
    "short_factor": [1.0, 1.0, 1.0, 1.0],
    "long_factor": [1.1, 1.7, 3.5, 9.0],
}

GEMMA = {**TINY, "model_type": "gemma", "head_dim": 16, "hidden_act": "gelu"}
GEMMA2 = {
    **TINY,
    "model_type": "gemma2",
    "head_dim": 16,
    "hidden_activation": "gelu_pytorch_tanh",
    "query_pre_attn_scalar": 12,
    "attn_logit_softcapping": 5.0,
    "final_logit_softcapping": 4.0,
    "sliding_window": 16,
}
GEMMA3_TEXT = {
    **TINY,
    "model_type": "gemma3_text",
    "head_dim": 16,
    "num_hidden_layers": 3,
    "hidden_activation": "gelu_pytorch_tanh",
    "query_pre_attn_scalar": 12,
    "rope_theta": 1000000.0,
    "rope_local_base_freq": 10000.0,
    "sliding_window": 16,
    "sliding_window_pattern": 3,
    "num_key_value_heads": 1,
}
PHI3 = {**TINY, **SILU, "model_type": "phi3", "tie_word_embeddings": False, "original_max_position_embeddings": 32}
GRANITE = {
    **TINY,
    **SILU,
    "model_type": "granite",
    "attention_bias": False,
    "mlp_bias": False,
    "embedding_multiplier": 0.6,
    "attention_multiplier": 0.5,
    "residual_multiplier": 0.7,
    "logits_scaling": 2.0,
    "tie_word_embeddings": True,
}
OLMO2 = {**TINY, **SILU, "model_type": "olmo2", "tie_word_embeddings": False}
OLMO3 = {
    **TINY,
    **SILU,
    "model_type": "olmo3",
    "num_hidden_layers": 4,
    "sliding_window": 16,
    "rope_scaling": YARN,
    "tie_word_embeddings": False,
}
COHERE2 = {
    **LAYER_NORM,
    **SILU,
    "model_type": "cohere2",
    "num_hidden_layers": 4,
    "head_dim": 8,
    "logit_scale": 0.5,
    "sliding_window": 16,
    "sliding_window_pattern": 4,
}
STARCODER2 = {
    **TINY,
    "model_type": "starcoder2",
    "rms_norm_eps": None,
    "norm_epsilon": 1e-5,
    "hidden_act": "gelu_pytorch_tanh",
    "use_bias": True,
    "sliding_window": 16,
    "tie_word_embeddings": True,
}
ERNIE = {**TINY, **SILU, "model_type": "ernie4_5", "head_dim": 16, "use_bias": False, "tie_word_embeddings": True}
EXAONE4 = {
    **TINY,
    **SILU,
    "model_type": "exaone4",
    "head_dim": 8,
    "num_hidden_layers": 4,
    "rope_scaling": LLAMA3,
    "sliding_window": 16,
    "sliding_window_pattern": "LLLG",
    "tie_word_embeddings": False,
}
GLM4 = {**TINY, **SILU, "model_type": "glm4", "head_dim": 16, "partial_rotary_factor": 0.5, "attention_bias": True, "tie_word_embeddings": False}
STABLELM = {
    **LAYER_NORM,
    **SILU,
    "model_type": "stablelm",
    "use_qkv_bias": True,
    "partial_rotary_factor": 0.25,
    "use_parallel_residual": False,
    "qk_layernorm": False,
    "tie_word_embeddings": False,
}
PHI = {**LAYER_NORM, "model_type": "phi", "hidden_act": "gelu_new", "partial_rotary_factor": 0.5, "tie_word_embeddings": False}
INTERNLM2 = {
    **TINY,
    **SILU,
    "model_type": "internlm2",
    "bias": False,
    "rope_scaling": {"type": "dynamic", "factor": 2.0},
    "tie_word_embeddings": False,
}
INTERNLM3 = {
    **TINY,
    **SILU,
    "model_type": "internlm3",
    "bias": False,
    "qkv_bias": False,
    "rope_scaling": {"rope_type": "dynamic", "factor": 6.0},
    "tie_word_embeddings": False,
}
HUNYUAN = {
    **TINY,
    **SILU,
    "model_type": "hunyuan_v1_dense",
    "head_dim": 16,
    "use_qk_norm": True,
    "attention_bias": False,
    "rope_scaling": {"type": "dynamic", "alpha": 50.0, "factor": 1.0},
    "tie_word_embeddings": True,
}
APERTUS = {
    **TINY,
    "model_type": "apertus",
    "hidden_act": "xielu",
    "mlp_bias": False,
    "attention_bias": False,
    "post_norm": False,
    "qk_norm": True,
    "rope_scaling": LLAMA3,
    "tie_word_embeddings": False,
}
MINISTRAL3 = {
    **TINY,
    **SILU,
    "model_type": "ministral3",
    "head_dim": 16,
    "rope_theta": None,
    "rope_parameters": {
        "rope_type": "yarn",
        "rope_theta": 1000000.0,
        "factor": 16.0,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "mscale": 1.0,
        "mscale_all_dim": 1.0,
        "original_max_position_embeddings": 24,
        "llama_4_scaling_beta": 0.4,
    },
    "tie_word_embeddings": False,
}


def untied_gemma3(weights, _):
    """What transformers writes: no output projection, since it is the embedding."""
    return {name: value for name, value in weights.items() if "lm_head" not in name}


def with_vision(weights, _):
    """A checkpoint with a vision tower beside the text model."""
    vision = {"vision_tower.vision_model.embeddings.position_embedding.weight": (4, 8), "multi_modal_projector.mm_soft_emb_norm.weight": (8,)}
    return {**weights, **{name: mx.ones(shape) for name, shape in vision.items()}}


DENSE = {
    "qwen2/plain": {"base": {**TINY, **SILU, "model_type": "qwen2", "rope_theta": 1000000.0, "tie_word_embeddings": True}},
    "qwen2/yarn": {"base": {**TINY, **SILU, "model_type": "qwen2", "rope_scaling": YARN, "tie_word_embeddings": False}},
    "gemma/plain": {"base": GEMMA, "authors": tanh_gelu},
    "gemma2/plain": {"base": GEMMA2, "prompt": 40, "authors": windows(lambda i: i % 2 == 0)},
    "gemma3_text/plain": {"base": GEMMA3_TEXT, "prompt": 40, "layout": untied_gemma3},
    "gemma3_text/linear": {"base": GEMMA3_TEXT, "prompt": 40, "config": {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}, "dtype": "float16"},
    "gemma3/text": {
        "base": {"model_type": "gemma3", "vocab_size": 64, "text_config": {**GEMMA3_TEXT, "num_attention_heads": 4, "num_key_value_heads": 2}},
        "prompt": 40,
        "layout": with_vision,
    },
    "phi3/plain": {"base": PHI3, "config": {"sliding_window": 16, "rope_scaling": None}, "prompt": 40, "authors": windows()},
    "phi3/longrope": {"base": PHI3, "config": {"rope_scaling": LONG}},
    "phi3/partial": {
        "base": PHI3,
        "config": {"rope_scaling": {**LONG, "short_factor": [1.0, 1.0], "long_factor": [1.5, 4.0]}, "partial_rotary_factor": 0.5},
    },
    "phi3/4-bit": {"base": PHI3, "quantize": {"bits": 4, "group_size": 32}},
    "smollm3/plain": {"base": {**TINY, **SILU, "model_type": "smollm3", "num_hidden_layers": 4, "tie_word_embeddings": True}},
    "smollm3/listed": {"base": {**TINY, **SILU, "model_type": "smollm3", "no_rope_layers": [0, 1], "tie_word_embeddings": True}},
    "granite/plain": {"base": GRANITE},
    "olmo2/plain": {"base": OLMO2},
    "olmo3/plain": {"base": OLMO3, "prompt": 40},
    "cohere2/plain": {"base": COHERE2, "prompt": 40},
    "starcoder2/plain": {"base": STARCODER2, "prompt": 40, "authors": both(tanh_gelu, windows())},
    "seed_oss/plain": {
        "base": {**TINY, **SILU, "model_type": "seed_oss", "head_dim": 16, "attention_bias": True, "attention_out_bias": False, "tie_word_embeddings": False}
    },
    "ernie4_5/plain": {"base": ERNIE},
    "exaone4/plain": {"base": EXAONE4, "prompt": 40},
    "exaone4/small": {
        "base": EXAONE4,
        "config": {"num_hidden_layers": 2, "sliding_window": None, "sliding_window_pattern": None, "tie_word_embeddings": True},
    },
    "glm4/plain": {"base": GLM4},
    "stablelm/plain": {"base": STABLELM},
    "stablelm/parallel": {"base": STABLELM, "config": {"use_parallel_residual": True, "qk_layernorm": True, "use_qkv_bias": False}},
    "phi/plain": {"base": PHI},
    "internlm2/plain": {"base": INTERNLM2},
    "internlm2/bias-4-bit": {"base": INTERNLM2, "config": {"bias": True}, "quantize": {"bits": 4, "group_size": 32}},
    "internlm3/plain": {"base": INTERNLM3},
    "internlm3/biases": {"base": INTERNLM3, "config": {"bias": True, "qkv_bias": True}},
    "hunyuan_v1_dense/plain": {"base": HUNYUAN},
    "apertus/plain": {"base": APERTUS},
    "ministral3/plain": {"base": MINISTRAL3},
    "ministral3/windows": {
        "base": MINISTRAL3,
        "config": {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 16},
        "prompt": 40,
    },
}
