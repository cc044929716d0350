"""The tiny checkpoints that are recorded: family/variant → how it differs from the family's plain form."""

from authors import float_rows
from dense import DENSE
from gemma import GEMMA
from recurrent import RECURRENT
from sparse import SPARSE

SMALL = {
    "vocab_size": 128,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 512,
    "hidden_act": "silu",
    "tie_word_embeddings": True,
    "rope_theta": 10000.0,
}
QWEN3 = {**SMALL, "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "rope_theta": 1000000.0}
LLAMA = {**SMALL, "model_type": "llama", "architectures": ["LlamaForCausalLM"], "rms_norm_eps": 1e-5}
MISTRAL = {**LLAMA, "model_type": "mistral", "architectures": ["MistralForCausalLM"], "sliding_window": None}

WIDE = {"hidden_size": 64, "intermediate_size": 128}  # for groups of 64
WIDER = {"hidden_size": 128, "intermediate_size": 128, "head_dim": 32}  # for groups of 128
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}


def packed(bits, group, **more):
    return {"quantize": {"bits": bits, "group_size": group}, **more}


# config: changed fields (None removes one that mlx-lm derives); dtype: of what is stored; prompt: its length;
# layers: per-layer packing as config.json has it; predicate: the same by path; shards: files; reference: "window" where mlx-lm has no such computation;
# authors: makes mlx-lm's model compute what its authors' does; layout: renames stored tensors to what other tools write.
VARIANTS = {
    "qwen3/float32": {"base": QWEN3, "dtype": "float32"},
    "qwen3/bfloat16": {"base": QWEN3},
    "qwen3/untied": {"base": QWEN3, "config": {"tie_word_embeddings": False}, "dtype": "float16"},
    "qwen3/sharded": {"base": QWEN3, "config": {"num_hidden_layers": 3}, "shards": 3},
    "qwen3/rope-parameters": {
        "base": QWEN3,
        "config": {"rope_theta": None, "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0}},
    },
    "qwen3/2-bit": {"base": QWEN3, **packed(2, 32, config=WIDE)},
    "qwen3/3-bit": {"base": QWEN3, **packed(3, 64, config=WIDE)},
    "qwen3/4-bit": {"base": QWEN3, **packed(4, 64, config=WIDE)},
    "qwen3/5-bit": {"base": QWEN3, **packed(5, 32, config=WIDE)},
    "qwen3/6-bit": {"base": QWEN3, **packed(6, 128, config={**WIDER, "num_hidden_layers": 1}), "dtype": "float16"},
    "qwen3/8-bit": {"base": QWEN3, **packed(8, 64, config={**WIDE, "tie_word_embeddings": False})},
    "qwen3/mixed": {
        "base": QWEN3,
        **packed(4, 64, config=WIDE),
        "layers": {
            "model.layers.0.mlp.down_proj": {"group_size": 32, "bits": 8},
            "model.layers.0.self_attn.v_proj": {"group_size": 64, "bits": 6},
            "model.layers.1.self_attn.k_proj": {"group_size": 32, "bits": 4},
            "model.layers.1.mlp.up_proj": {"group_size": 64, "bits": 3},
            "model.layers.1.self_attn.o_proj": False,
        },
    },
    **{
        f"qwen3/{mode}": {"base": QWEN3, "quantize": {"bits": None, "group_size": None, "mode": mode}, "authors": float_rows}
        for mode in ["mxfp4", "mxfp8", "nvfp4"]
    },
    "llama/plain": {"base": LLAMA, "config": {"tie_word_embeddings": False, "head_dim": None, "num_key_value_heads": None}},
    "llama/tied": {"base": LLAMA, "config": {"num_key_value_heads": 1}},
    "llama/llama3": {"base": LLAMA, "config": {"rope_scaling": LLAMA3, "rope_theta": 500000.0}, "dtype": "float16"},
    "llama/linear": {"base": LLAMA, "config": {"rope_scaling": {"type": "linear", "factor": 4.0}}},
    "llama/biases": {"base": LLAMA, "config": {"attention_bias": True, "mlp_bias": True}},
    "llama/biases-8-bit": {"base": LLAMA, **packed(8, 32, config={"attention_bias": True, "mlp_bias": True})},
    "llama/windows": {
        "base": LLAMA,
        "config": {
            "num_hidden_layers": 3,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            "sliding_window": 16,
        },
        "prompt": 40,
    },
    "mistral/plain": {"base": MISTRAL},
    "mistral/window": {"base": MISTRAL, "config": {"sliding_window": 16}, "prompt": 40, "reference": "window"},
    **DENSE,
    **GEMMA,
    **SPARSE,
    **RECURRENT,
}
