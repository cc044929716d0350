"""Variants of families with mixtures of experts, in the shape of variants.py."""

import mlx.core as mx
from authors import correct_ernie, correction, windows, yarn_untruncated
from dense import GRANITE, LONG, SILU, TINY, YARN

EXPERTS = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 8}
LOCAL = {"num_local_experts": 8, "num_experts_per_tok": 2, "intermediate_size": 8}

MIXTRAL = {**TINY, **SILU, **LOCAL, "model_type": "mixtral", "sliding_window": None, "tie_word_embeddings": False}
PHIMOE = {
    **TINY,
    **SILU,
    **LOCAL,
    "model_type": "phimoe",
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "router_jitter_noise": 0.3,
    "attention_bias": True,
    "lm_head_bias": True,
    "tie_word_embeddings": False,
    "original_max_position_embeddings": 32,
    "sliding_window": None,
    "rope_scaling": {**LONG, "short_mscale": 1.1, "long_mscale": 1.2},
}
QWEN2_MOE = {**TINY, **SILU, **EXPERTS, "model_type": "qwen2_moe", "shared_expert_intermediate_size": 12, "norm_topk_prob": False, "tie_word_embeddings": False}
QWEN3_MOE = {
    **TINY,
    **SILU,
    **EXPERTS,
    "model_type": "qwen3_moe",
    "head_dim": 16,
    "intermediate_size": 32,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
    "norm_topk_prob": True,
    "tie_word_embeddings": False,
}
GRANITE_MOE = {**GRANITE, **LOCAL, "model_type": "granitemoe"}
ERNIE_MOE = {
    **TINY,
    **SILU,
    "model_type": "ernie4_5_moe",
    "use_bias": False,
    "tie_word_embeddings": True,
    "moe_num_experts": 8,
    "moe_k": 3,
    "moe_intermediate_size": 8,
    "moe_num_shared_experts": 1,
    "moe_layer_start_index": 1,
}
ROUTED = {
    "moe_intermediate_size": 8,
    "n_shared_experts": 1,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "first_k_dense_replace": 1,
    "routed_scaling_factor": 1.5,
    "n_group": 1,
    "topk_group": 1,
    "norm_topk_prob": True,
}
GLM4_MOE = {
    **TINY,
    **SILU,
    **ROUTED,
    "model_type": "glm4_moe",
    "head_dim": 16,
    "rope_scaling": None,
    "partial_rotary_factor": 0.5,
    "attention_bias": True,
    "use_qk_norm": True,
    "tie_word_embeddings": False,
}
MLA = {
    "num_key_value_heads": 4,
    "q_lora_rank": 24,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 8,
    "v_head_dim": 12,
    "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "mscale": 0.7, "mscale_all_dim": 0.5},
}
DEEPSEEK_V2 = {**TINY, **SILU, **ROUTED, **MLA, "model_type": "deepseek_v2", "topk_method": "greedy", "norm_topk_prob": False}
DEEPSEEK_V3 = {**TINY, **SILU, **ROUTED, **MLA, "model_type": "deepseek_v3", "topk_method": "noaux_tc", "scoring_func": "sigmoid"}
GROUPS = {"n_group": 4, "topk_group": 2, "num_experts_per_tok": 3}
WIDE_LATENT = {"kv_lora_rank": 32, "q_lora_rank": 32, "v_head_dim": 16, "qk_nope_head_dim": 32, "moe_intermediate_size": 32}
GPT_OSS = {
    **TINY,
    **SILU,
    **LOCAL,
    "model_type": "gpt_oss",
    "intermediate_size": 32,
    "num_local_experts": 4,
    "head_dim": 16,
    "sliding_window": 16,
    "rope_scaling": {**YARN, "beta_fast": 32.0, "beta_slow": 1.0},
    "rope_theta": 150000.0,
    "swiglu_limit": 7.0,
    "tie_word_embeddings": False,
}
MINIMAX_M2 = {
    **TINY,
    **SILU,
    **LOCAL,
    "model_type": "minimax_m2",
    "head_dim": 16,
    "rotary_dim": 8,
    "shared_intermediate_size": 0,
    "scoring_func": "sigmoid",
    "use_qk_norm": True,
    "tie_word_embeddings": False,
}


def apart(names=("gate_proj", "up_proj", "down_proj")):
    """Experts apart, as transformers writes them."""
    own = dict(zip(("gate_proj", "up_proj", "down_proj"), names))

    def layout(weights, _):
        result = {}
        for name, value in weights.items():
            before, stacked, after = name.partition("switch_mlp.")
            if not stacked:
                result[name] = value
                continue
            projection, part = after.split(".")
            for i in range(value.shape[0]):
                result[f"{before}experts.{i}.{own[projection]}.{part}"] = mx.contiguous(value[i])
        return result

    return layout


def apart_and_more(weights, config):
    """The same with a layer behind the last, which predicts further tokens."""
    return {**apart()(weights, config), f"model.layers.{config['num_hidden_layers']}.eh_proj.weight": mx.ones(8)}


def granite_layout(weights, _):
    """Granite's release joins gate and up of all experts."""
    result = dict(weights)
    for name in [name for name in weights if "switch_mlp.gate_proj" in name]:
        before = name.partition("switch_mlp")[0]
        gate, up, down = (result.pop(f"{before}switch_mlp.{p}_proj.weight") for p in ("gate", "up", "down"))
        result[f"{before}input_linear.weight"] = mx.concatenate([gate, up], axis=1)
        result[f"{before}output_linear.weight"] = down
    return result


def with_correction(weights, config):
    """What ERNIE's release has and mlx-lm leaves out: corrections of expert scores, and a layer that predicts further tokens."""
    layers = {name.split(".")[2] for name in weights if "switch_mlp" in name}
    corrections = {f"model.layers.{i}.mlp.moe_statics.e_score_correction_bias": correction(i)[None] for i in layers}
    return {**apart()(weights, config), **corrections, "model.mtp_block.0.input_layernorm.weight": mx.ones(8)}


def joined_latents(weights, config):
    """DeepSeek's own layout: one projection from latents to keys and values, experts apart."""
    result = apart()(weights, config)
    for name in [name for name in result if name.endswith("embed_q.weight")]:
        before = name.removesuffix("embed_q.weight")
        keys, values = result.pop(name), result.pop(f"{before}unembed_out.weight")
        both = mx.concatenate([keys.swapaxes(1, 2), values], axis=1)
        result[f"{before}kv_b_proj.weight"] = mx.contiguous(both.reshape(-1, both.shape[-1]))
    return result


def openai_layout(weights, config):
    """OpenAI's release of gpt-oss: blocks of bytes, gate and up in turns."""
    result = {name: value for name, value in weights.items() if ".experts." not in name}
    for i in range(config["num_hidden_layers"]):
        at = f"model.layers.{i}.mlp.experts."
        part = lambda projection, name: weights[f"{at}{projection}.{name}"]
        blocks = lambda w: w.view(mx.uint8).reshape(*w.shape[:2], -1, 16)
        turns = lambda gate, up: mx.stack([gate, up], axis=2).reshape(gate.shape[0], -1, *gate.shape[2:])
        result[f"{at}gate_up_proj_blocks"] = turns(*(blocks(part(p, "weight")) for p in ("gate_proj", "up_proj")))
        result[f"{at}gate_up_proj_scales"] = turns(part("gate_proj", "scales"), part("up_proj", "scales"))
        result[f"{at}gate_up_proj_bias"] = turns(part("gate_proj", "bias"), part("up_proj", "bias"))
        result[f"{at}down_proj_blocks"] = blocks(part("down_proj", "weight"))
        result[f"{at}down_proj_scales"] = part("down_proj", "scales")
        result[f"{at}down_proj_bias"] = part("down_proj", "bias")
    del config["quantization"]
    config["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]}
    return result


MXFP4_EXPERTS = {
    "quantize": {"bits": 4, "group_size": 32, "mode": "mxfp4"},
    "predicate": lambda path: ".experts." in path,
}
MXFP4_AND_8_BITS = {
    "quantize": {"bits": 4, "group_size": 32, "mode": "mxfp4"},
    "predicate": lambda path: True if ".experts." in path else {"bits": 8, "group_size": 32},
}

SPARSE = {
    "mixtral/apart": {"base": MIXTRAL, "config": {"sliding_window": 16}, "prompt": 40, "layout": apart(("w1", "w3", "w2")), "authors": windows()},
    "mixtral/4-bit": {"base": MIXTRAL, "config": {"intermediate_size": 32}, "quantize": {"bits": 4, "group_size": 32}},
    "qwen2_moe/plain": {"base": QWEN2_MOE},
    "phimoe/plain": {"base": PHIMOE},
    "phimoe/apart": {"base": PHIMOE, "config": {"rope_scaling": None, "sliding_window": 16}, "prompt": 40, "layout": apart(("w1", "w3", "w2")), "authors": windows()},
    "phimoe/4-bit": {"base": PHIMOE, "config": {"intermediate_size": 32}, "quantize": {"bits": 4, "group_size": 32}},
    "qwen2_moe/apart": {"base": QWEN2_MOE, "layout": apart()},
    "qwen3_moe/plain": {"base": QWEN3_MOE},
    "qwen3_moe/dense-first": {
        "base": QWEN3_MOE,
        "config": {"num_hidden_layers": 3, "mlp_only_layers": [0], "decoder_sparse_step": 2, "norm_topk_prob": False, "tie_word_embeddings": True},
        "layout": apart(),
    },
    "qwen3_moe/mixed": {
        "base": QWEN3_MOE,
        "config": {"moe_intermediate_size": 32},
        "quantize": {"bits": 4, "group_size": 32},
        "predicate": lambda path: {"bits": 8, "group_size": 32} if path.endswith(("mlp.gate", "up_proj")) else True,
    },
    "granitemoe/joined": {"base": GRANITE_MOE, "layout": granite_layout},
    "minimax_m2/plain": {"base": MINIMAX_M2},
    "minimax_m2/apart": {"base": MINIMAX_M2, "config": {"use_qk_norm": False, "rotary_dim": 16}, "layout": apart(("w1", "w3", "w2"))},
    "ernie4_5_moe/plain": {"base": ERNIE_MOE},
    "ernie4_5_moe/corrected": {
        "base": ERNIE_MOE,
        "config": {"moe_gate_act": "softmax", "moe_layer_start_index": [0, 1], "moe_layer_end_index": [1, 0]},
        "layout": with_correction,
        "authors": correct_ernie,
    },
    "glm4_moe/plain": {"base": GLM4_MOE},
    "glm4_moe/groups": {"base": GLM4_MOE, "config": {**GROUPS, "use_qk_norm": False, "attention_bias": False}, "layout": apart_and_more},
    "deepseek_v2/plain": {"base": DEEPSEEK_V2},
    "deepseek_v2/groups": {"base": DEEPSEEK_V2, "config": {**GROUPS, "topk_method": "group_limited_greedy", "q_lora_rank": None}, "layout": apart()},
    "deepseek_v2/4-bit": {"base": DEEPSEEK_V2, "config": {**WIDE_LATENT, "n_routed_experts": 4}, "quantize": {"bits": 4, "group_size": 32}},
    "deepseek_v3/plain": {"base": DEEPSEEK_V3},
    "deepseek_v3/groups": {"base": DEEPSEEK_V3, "config": {**GROUPS, "rope_scaling": None}, "layout": joined_latents},
    "deepseek_v3/8-bit": {"base": DEEPSEEK_V3, "config": {**WIDE_LATENT, "n_routed_experts": 4}, "quantize": {"bits": 8, "group_size": 32}},
    "gpt_oss/plain": {"base": GPT_OSS, "prompt": 40},
    "gpt_oss/mxfp4-8-bit": {"base": GPT_OSS, "prompt": 40, **MXFP4_AND_8_BITS},
    "gpt_oss/released": {
        "base": GPT_OSS,
        "config": {"rope_scaling": {**YARN, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": False}},
        "prompt": 40,
        **MXFP4_EXPERTS,
        "layout": openai_layout,
        "authors": yarn_untruncated,
    },
}
