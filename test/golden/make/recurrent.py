"""Variants of families with recurrent layers, in the shape of variants.py."""

import mlx.core as mx
from dense import SILU, TINY

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


RECURRENT = {
    "lfm2/plain": {"base": LFM2},
    "lfm2/torch": {
        "base": LFM2,
        "config": {"layer_types": None, "full_attn_idxs": [0, 2], "conv_bias": True, "block_auto_adjust_ff_dim": False},
        "layout": torch_convolutions,
    },
    "lfm2_moe/plain": {"base": LFM2_MOE},
    "lfm2_moe/torch": {"base": LFM2_MOE, "config": {"use_expert_bias": False, "norm_topk_prob": False}, "layout": lfm2_layout},
}
