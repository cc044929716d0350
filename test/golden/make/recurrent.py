"""Variants of families with recurrent layers, in the shape of variants.py."""

import math

import mlx.core as mx
from dense import GRANITE, SILU, TINY
from sparse import apart, granite_layout

LFM2 = {
    **TINY,
    "model_type": "lfm2",
    "rms_norm_eps": None,
    "norm_eps": 1e-5,
    "num_hidden_layers": 3,
    "layer_types": ["conv", "full_attention", "conv"],
    "conv_bias": False,
    "conv_L_cache": 3,
    "block_dim": 32,
    "block_ff_dim": 48,
    "block_multiple_of": 8,
    "block_ffn_dim_multiplier": 1.0,
    "block_auto_adjust_ff_dim": True,
    "rope_theta": 1000000.0,
}
LFM2_MOE = {
    **LFM2,
    "model_type": "lfm2_moe",
    "block_ff_dim": None,
    "moe_intermediate_size": 8,
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "norm_topk_prob": True,
    "use_expert_bias": True,
    "num_dense_layers": 1,
    "routed_scaling_factor": 1.5,
}
MAMBA2 = {
    "model_type": "mamba2",
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_heads": 8,
    "head_dim": 8,
    "n_groups": 2,
    "state_size": 16,
    "conv_kernel": 4,
    "use_bias": False,
    "use_conv_bias": True,
    "layer_norm_epsilon": 1e-5,
    "tie_word_embeddings": True,
    "time_step_rank": "auto",
    "time_step_limit": [0.0, math.inf],
}
GRANITE_HYBRID = {
    **GRANITE,
    "model_type": "granitemoehybrid",
    "num_hidden_layers": 3,
    "layer_types": ["mamba", "attention", "mamba"],
    "intermediate_size": 8,
    "shared_intermediate_size": 24,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "mamba_n_heads": 8,
    "mamba_d_head": 8,
    "mamba_n_groups": 1,
    "mamba_d_state": 16,
    "mamba_d_conv": 4,
    "mamba_conv_bias": True,
    "mamba_proj_bias": False,
    "position_embedding_type": "nope",
}
NEMOTRON_H = {
    "model_type": "nemotron_h",
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 32,
    "max_position_embeddings": 512,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "attention_bias": False,
    "mamba_num_heads": 8,
    "mamba_head_dim": 8,
    "mamba_proj_bias": False,
    "ssm_state_size": 16,
    "conv_kernel": 4,
    "n_groups": 2,
    "mlp_bias": False,
    "layer_norm_epsilon": 1e-5,
    "use_bias": False,
    "use_conv_bias": True,
    "hybrid_override_pattern": "M-*M-",
}
NEMOTRON_EXPERTS = {
    "moe_intermediate_size": 8,
    "moe_shared_expert_intermediate_size": 12,
    "n_routed_experts": 8,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "n_group": 1,
    "topk_group": 1,
    "norm_topk_prob": True,
    "routed_scaling_factor": 2.5,
}
DELTA = {
    **TINY,
    **SILU,
    "rms_norm_eps": 1e-6,
    "head_dim": 16,
    "num_hidden_layers": 3,
    "full_attention_interval": 2,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 12,
    "linear_conv_kernel_dim": 4,
}
DELTA_EXPERTS = {
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 8,
    "shared_expert_intermediate_size": 12,
    "norm_topk_prob": True,
}
QWEN3_NEXT = {
    **DELTA,
    **DELTA_EXPERTS,
    "model_type": "qwen3_next",
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
    "partial_rotary_factor": 0.5,
    "tie_word_embeddings": False,
}
QWEN3_5_TEXT = {
    **DELTA,
    "rope_theta": None,
    "rope_parameters": {
        "rope_type": "default",
        "mrope_interleaved": True,
        "mrope_section": [1, 1, 2],
        "rope_theta": 100000.0,
        "partial_rotary_factor": 0.5,
    },
}
QWEN3_5 = {"model_type": "qwen3_5", "text_config": {**QWEN3_5_TEXT, "tie_word_embeddings": True}}
QWEN3_5_MOE = {"model_type": "qwen3_5_moe", "text_config": {**QWEN3_5_TEXT, **DELTA_EXPERTS, "intermediate_size": None, "tie_word_embeddings": False}}


def torch_convolutions(weights, _=None):
    """torch keeps the taps last: [channels, 1, width]."""
    is_conv = lambda name: name.endswith(("conv.weight", "conv1d.weight"))
    return {name: mx.contiguous(w.swapaxes(1, 2)) if is_conv(name) else w for name, w in weights.items()}


def lfm2_layout(weights, config):
    """LFM2-MoE's release: experts apart, projections called w1, w3 and w2."""
    own = {"gate_proj": "w1", "up_proj": "w3", "down_proj": "w2"}
    result = {}
    for name, value in torch_convolutions(weights).items():
        before, is_feed, after = name.partition("feed_forward.")
        *path, projection, part = after.split(".") if is_feed else ("", "", "")
        if projection not in own:
            result[name] = value
        elif path == ["switch_mlp"]:
            for i in range(value.shape[0]):
                result[f"{before}feed_forward.experts.{i}.{own[projection]}.{part}"] = mx.contiguous(value[i])
        else:
            result[f"{before}feed_forward.{own[projection]}.{part}"] = value
    return result


def granite_hybrid_layout(weights, config):
    """Granite 4's release: gate and up in one projection; without experts their MLP is the shared one."""
    result = torch_convolutions(granite_layout(weights, config))
    for name in [name for name in result if name.endswith("mlp.gate_proj.weight")]:
        before = name.removesuffix("mlp.gate_proj.weight")
        gate, up, down = (result.pop(f"{before}mlp.{p}_proj.weight") for p in ("gate", "up", "down"))
        result[f"{before}shared_mlp.input_linear.weight"] = mx.concatenate([gate, up])
        result[f"{before}shared_mlp.output_linear.weight"] = down
    return result


def nemotron_layout(weights, config):
    """Nemotron's release: experts apart, and layers behind the last that predict further tokens."""
    result = {"mtp.layers.0.norm.weight": mx.ones(8)}
    for name, value in torch_convolutions(weights).items():
        before, stacked, projection = name.partition("switch_mlp.")
        if not stacked:
            result[name] = value
            continue
        own = {"fc1.weight": "up_proj.weight", "fc2.weight": "down_proj.weight"}[projection]
        for i in range(value.shape[0]):
            result[f"{before}experts.{i}.{own}"] = mx.contiguous(value[i])
    return result


def zero_gains(weights):
    """Qwen3-Next's and Qwen3.5's releases add one to the gains of norms, except in delta nets."""
    ends = ("input_layernorm.weight", "post_attention_layernorm.weight", "model.norm.weight", "q_norm.weight", "k_norm.weight")
    return {name: w - 1 if name.endswith(ends) else w for name, w in torch_convolutions(weights).items()}


def next_layout(weights, config):
    """Qwen3-Next's release, with a layer that predicts further tokens."""
    return {**apart()(zero_gains(weights), config), "mtp.fc.weight": mx.ones((8, 8))}


def qwen3_5_layout(weights, config):
    """Qwen3.5's release: the text behind another prefix, beside a vision tower; gate and up of all experts in one."""
    result = {"model.visual.patch_embed.proj.bias": mx.ones(8)}
    for name, value in zero_gains(weights).items():
        own = name.replace("language_model.model.", "model.language_model.").replace("language_model.lm_head", "lm_head")
        before, stacked, projection = own.partition("switch_mlp.")
        if not stacked:
            result[own] = value
        elif projection == "gate_proj.weight":
            up = weights[name.replace("gate_proj", "up_proj")]
            result[f"{before}experts.gate_up_proj"] = mx.concatenate([value, up], axis=1)
        elif projection == "down_proj.weight":
            result[f"{before}experts.down_proj"] = value
    return result


RECURRENT = {
    "lfm2/plain": {"base": LFM2},
    "lfm2/torch": {
        "base": LFM2,
        "config": {"layer_types": None, "full_attn_idxs": [0, 2], "conv_bias": True, "block_auto_adjust_ff_dim": False},
        "layout": torch_convolutions,
    },
    "lfm2_moe/plain": {"base": LFM2_MOE},
    "lfm2_moe/torch": {"base": LFM2_MOE, "config": {"use_expert_bias": False, "norm_topk_prob": False}, "layout": lfm2_layout},
    "mamba2/plain": {"base": MAMBA2},
    "mamba2/torch": {
        "base": MAMBA2,
        "config": {"use_bias": True, "use_conv_bias": False, "time_step_limit": [0.2, 1.5], "n_groups": 1, "tie_word_embeddings": False},
        "layout": torch_convolutions,
    },
    "mamba2/8-bit": {"base": MAMBA2, "quantize": {"bits": 8, "group_size": 32}},
    "granitemoehybrid/plain": {"base": GRANITE_HYBRID},
    "granitemoehybrid/torch": {"base": GRANITE_HYBRID, "config": {"position_embedding_type": "rope", "mamba_n_groups": 2}, "layout": granite_hybrid_layout},
    "granitemoehybrid/dense": {
        "base": GRANITE_HYBRID,
        "config": {"num_local_experts": 0, "num_experts_per_tok": 0, "intermediate_size": 24},
        "layout": granite_hybrid_layout,
    },
    "granitemoehybrid/dense-mlx": {"base": GRANITE_HYBRID, "config": {"num_local_experts": 0, "num_experts_per_tok": 0, "intermediate_size": 24}},
    "nemotron_h/plain": {"base": NEMOTRON_H},
    "nemotron_h/experts": {
        "base": NEMOTRON_H,
        "config": {**NEMOTRON_EXPERTS, "hybrid_override_pattern": None, "layers_block_type": ["mamba", "moe", "attention", "moe"]},
    },
    "nemotron_h/torch": {
        "base": NEMOTRON_H,
        "config": {**NEMOTRON_EXPERTS, "n_group": 4, "topk_group": 2, "moe_latent_size": 16, "n_shared_experts": None, "hybrid_override_pattern": "ME*E"},
        "layout": nemotron_layout,
    },
    "qwen3_next/plain": {"base": QWEN3_NEXT},
    "qwen3_next/torch": {
        "base": QWEN3_NEXT,
        "config": {"mlp_only_layers": [0], "norm_topk_prob": False, "tie_word_embeddings": True},
        "layout": next_layout,
    },
    "qwen3_next/4-bit": {
        "base": QWEN3_NEXT,
        "config": {"moe_intermediate_size": 32, "shared_expert_intermediate_size": 32, "linear_value_head_dim": 8, "num_experts": 4},
        "quantize": {"bits": 4, "group_size": 32},
        "predicate": lambda path: {"bits": 8, "group_size": 32} if path.endswith(("mlp.gate", "shared_expert_gate", "in_proj_ba")) else True,
    },
    "qwen3_5/plain": {"base": QWEN3_5},
    "qwen3_5/torch": {"base": QWEN3_5, "layout": qwen3_5_layout},
    "qwen3_5/text": {"base": {**QWEN3_5_TEXT, "model_type": "qwen3_5"}, "layout": lambda weights, _: {n.removeprefix("language_model."): w for n, w in weights.items()}},
    "qwen3_5_moe/plain": {"base": QWEN3_5_MOE},
    "qwen3_5_moe/torch": {"base": QWEN3_5_MOE, "layout": qwen3_5_layout},
}
