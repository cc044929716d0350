"""The Qwen3 architecture in plain PyTorch, on conversations packed end to end: flat tokens [T], document offsets for attention.

Every matrix of all layers is one tensor [layers, rows, columns], so that the optimizer and the compiler see few of them.
"""
import torch
import torch.nn.functional as F

CONFIG = {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 384, "num_hidden_layers": 8, "intermediate_size": 1024,
          "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 64, "vocab_size": 4096, "tie_word_embeddings": True, "rms_norm_eps": 1e-6,
          "rope_theta": 10000.0, "max_position_embeddings": 4096, "hidden_act": "silu", "attention_bias": False, "torch_dtype": "bfloat16",
          "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 0, "use_cache": True}
NAMES = {"wq": "self_attn.q_proj", "wk": "self_attn.k_proj", "wv": "self_attn.v_proj", "wo": "self_attn.o_proj", "wg": "mlp.gate_proj", "wu": "mlp.up_proj",
         "wd": "mlp.down_proj", "n1": "input_layernorm", "n2": "post_attention_layernorm", "nq": "self_attn.q_norm", "nk": "self_attn.k_norm"}
EPS = 1e-6


def shapes(c):
    d, f, hd = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    q, kv = c["num_attention_heads"] * hd, c["num_key_value_heads"] * hd
    return {"wq": (q, d), "wk": (kv, d), "wv": (kv, d), "wo": (d, q), "wg": (f, d), "wu": (f, d), "wd": (d, f), "n1": (d,), "n2": (d,), "nq": (hd,), "nk": (hd,)}


def init(c, device, seed):
    """New weights; output projections start at zero."""
    torch.manual_seed(seed)
    layers, w = c["num_hidden_layers"], {}
    for name, shape in shapes(c).items():
        if name in ("wo", "wd"):
            w[name] = torch.zeros(layers, *shape)
        elif name[0] == "n":
            w[name] = torch.ones(layers, *shape)
        else:
            w[name] = torch.randn(layers, *shape) * 0.5 * shape[1] ** -0.5
    w["embed"], w["norm"] = torch.randn(c["vocab_size"], c["hidden_size"]) * 0.02, torch.ones(c["hidden_size"])
    return {k: v.to(device) for k, v in w.items()}


def rms(x, gain):
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + EPS) * gain.float()).to(x.dtype)


def rotate(x, cos, sin):
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


def rope_table(c, device):
    """(cos, sin) [positions, head_dim / 2]"""
    half = c["head_dim"] // 2
    inverse = c["rope_theta"] ** (-torch.arange(half, device=device, dtype=torch.float32) / half)
    angle = torch.arange(c["max_position_embeddings"], device=device, dtype=torch.float32)[:, None] * inverse
    return angle.cos(), angle.sin()


def embed(ids, table):
    return F.embedding(ids, table).to(torch.bfloat16 if table.is_cuda else table.dtype)  # [T, hidden]


def qkv(x, n1, wq, wk, wv, nq, nk, cos, sin, position):
    """Queries, keys and values [T, heads, head_dim] of normed and rotated x."""
    h, hd = rms(x, n1), nq.shape[-1]
    q, k, v = (F.linear(h, w.to(x.dtype)).unflatten(-1, (-1, hd)) for w in (wq, wk, wv))
    cos, sin = cos[position][:, None], sin[position][:, None]
    return rotate(rms(q, nq), cos, sin), rotate(rms(k, nk), cos, sin), v


def after(x, attended, wo, n2, wg, wu, wd):
    x = x + F.linear(attended, wo.to(x.dtype))
    h = rms(x, n2)
    return x + F.linear(F.silu(F.linear(h, wg.to(x.dtype))) * F.linear(h, wu.to(x.dtype)), wd.to(x.dtype))


def loss_sum(x, rows, norm, table, targets, weight, unthought, think):
    """Summed loss of the learned tokens. unthought marks a turn of the history, where a thought could stand but was cut,
    so the thought marker takes no part in the comparison."""
    logits = F.linear(rms(x[rows], norm), table.to(x.dtype)).float()
    column = torch.arange(logits.shape[-1], device=x.device) == think
    logits = logits.masked_fill(column[None, :] & unthought[:, None], -1e9)
    return (F.cross_entropy(logits, targets, reduction="none") * weight).sum()


def attend(q, k, v, offsets, longest):
    """Causal attention inside each document; offsets [documents + 1] into the flat tokens."""
    if q.is_cuda:
        from torch.nn.attention.varlen import varlen_attn
        return varlen_attn(q, k, v, offsets, offsets, longest, longest, window_size=(-1, 0)).flatten(1)
    bounds, out = offsets.tolist(), []
    for a, b in zip(bounds, bounds[1:]):
        if b > a:
            x = (t[a:b].transpose(0, 1)[None] for t in (q, k, v))
            out.append(F.scaled_dot_product_attention(*x, is_causal=True, enable_gqa=True)[0].transpose(0, 1))
    return torch.cat(out).flatten(1)


PARTS = {"embed": embed, "qkv": qkv, "after": after, "loss": loss_sum}


def train_pass(w, batch, rope, think, longest, parts=PARTS):
    """Summed loss of one packed batch (see feed.py)."""
    x = parts["embed"](batch["ids"], w["embed"])
    layers = {k: v.unbind(0) for k, v in w.items() if k not in ("embed", "norm")}
    for i in range(len(layers["wq"])):
        p = {k: v[i] for k, v in layers.items()}
        q, k, v = parts["qkv"](x, p["n1"], p["wq"], p["wk"], p["wv"], p["nq"], p["nk"], *rope, batch["position"])
        x = parts["after"](x, attend(q, k, v, batch["offsets"], longest), p["wo"], p["n2"], p["wg"], p["wu"], p["wd"])
    return parts["loss"](x, batch["rows"], w["norm"], w["embed"], batch["targets"], batch["weight"], batch["unthought"], think)


def to_hf(w):
    """Names and shapes of a Hugging Face or MLX checkpoint, as numpy."""
    out = {"model.embed_tokens.weight": w["embed"], "model.norm.weight": w["norm"]}
    for short, long in NAMES.items():
        for i, t in enumerate(w[short]):
            out[f"model.layers.{i}.{long}.weight"] = t
    return {k: v.detach().float().cpu().numpy() for k, v in out.items()}


def from_hf(tensors, c, device):
    tensors = {k: torch.from_numpy(v.astype("float32")) for k, v in tensors.items()}
    w = {"embed": tensors["model.embed_tokens.weight"], "norm": tensors["model.norm.weight"]}
    for short, long in NAMES.items():
        w[short] = torch.stack([tensors[f"model.layers.{i}.{long}.weight"] for i in range(c["num_hidden_layers"])])
    return {k: v.to(device) for k, v in w.items()}


def count(c):
    """Number of parameters."""
    layer = sum(torch.Size(s).numel() for s in shapes(c).values())
    return layer * c["num_hidden_layers"] + c["vocab_size"] * c["hidden_size"] + c["hidden_size"]
