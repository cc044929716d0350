"""The reference where mlx-lm has none: Mistral's sliding window in all layers, in float64 with numpy.

mlx-lm reads Mistral as Llama and ignores its sliding_window. transformers applies it in every layer: a position sees itself and the
window - 1 positions before it (kv > q - window).
"""

import numpy as np


def window_logprobs(weights, config, prompt, steps):
    weights = {name: np.array(value).astype(np.float64) for name, value in weights.items()}
    ids = list(prompt)
    for _ in range(steps):
        ids.append(int(logprobs_of(weights, config, ids)[-1].argmax()))
    return ids, logprobs_of(weights, config, ids)


def logprobs_of(weights, c, ids):
    h = weights["model.embed_tokens.weight"][ids]
    for i in range(c["num_hidden_layers"]):
        w = {k.removeprefix(f"model.layers.{i}."): v for k, v in weights.items()}
        h = h + attention(w, c, norm(h, w["input_layernorm.weight"], c))
        x = norm(h, w["post_attention_layernorm.weight"], c)
        gate = x @ w["mlp.gate_proj.weight"].T
        h = h + (gate / (1 + np.exp(-gate)) * (x @ w["mlp.up_proj.weight"].T)) @ w["mlp.down_proj.weight"].T
    logits = norm(h, weights["model.norm.weight"], c) @ weights["model.embed_tokens.weight"].T
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def norm(x, weight, c):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + c["rms_norm_eps"]) * weight


def attention(w, c, x):
    n, dim, heads = len(x), c["head_dim"], c["num_attention_heads"]
    q, k, v = ((x @ w[f"self_attn.{p}_proj.weight"].T).reshape(n, -1, dim).swapaxes(0, 1) for p in "qkv")
    q, k = rotate(q, c["rope_theta"]), rotate(k, c["rope_theta"])
    repeats = heads // c["num_key_value_heads"]
    k, v = k.repeat(repeats, axis=0), v.repeat(repeats, axis=0)
    scores = q @ k.swapaxes(1, 2) / np.sqrt(dim)
    query, key = np.arange(n)[:, None], np.arange(n)[None]
    seen = (key <= query) & (key > query - c["sliding_window"])
    scores = np.where(seen, scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    out = (p / p.sum(-1, keepdims=True)) @ v
    return out.swapaxes(0, 1).reshape(n, -1) @ w["self_attn.o_proj.weight"].T


def rotate(x, base):
    half = x.shape[-1] // 2
    angle = np.arange(x.shape[1])[:, None] / base ** (np.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], axis=-1)
