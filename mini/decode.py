"""Greedy answers of a batch of prompts with a key and value cache, in PyTorch."""
import torch
import torch.nn.functional as F

from model import after, embed, qkv, rms, rope_table


@torch.no_grad()
def generate(c, w, prompts, eos, limit):
    """Answers (token lists) of prompts (token lists); each row writes its keys behind its own prompt."""
    device, b, hd = w["embed"].device, len(prompts), c["head_dim"]
    lengths = torch.tensor([len(p) for p in prompts], device=device)
    n = int(lengths.max())
    tokens = torch.tensor([p + [0] * (n - len(p)) for p in prompts], device=device)
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    w, rope = {k: v.to(kind) for k, v in w.items()}, rope_table(c, device)
    cache = torch.zeros(c["num_hidden_layers"], 2, b, c["num_key_value_heads"], n + limit, hd, dtype=kind, device=device)
    rows, keys, out = torch.arange(b, device=device), torch.arange(n + limit, device=device), []
    done = torch.zeros(b, dtype=torch.bool, device=device)
    x, position = embed(tokens.reshape(-1), w["embed"]).to(kind), torch.arange(n, device=device).repeat(b)
    for step in range(limit):
        for i in range(c["num_hidden_layers"]):
            p = {k: v[i] for k, v in w.items() if k not in ("embed", "norm")}
            made = qkv(x, p["n1"], p["wq"], p["wk"], p["wv"], p["nq"], p["nk"], *rope, position)
            q, k, v = (t.view(b, -1, t.shape[1], hd).transpose(1, 2) for t in made)
            if step == 0:
                cache[i, 0, :, :, :n], cache[i, 1, :, :, :n] = k, v
                a = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            else:
                cache[i, 0, rows, :, position], cache[i, 1, rows, :, position] = k[:, :, 0], v[:, :, 0]
                seen = (keys[None] <= position[:, None])[:, None, None]
                a = F.scaled_dot_product_attention(q, cache[i, 0], cache[i, 1], attn_mask=seen, enable_gqa=True)
            x = after(x, a.transpose(1, 2).reshape(len(x), -1), p["wo"], p["n2"], p["wg"], p["wu"], p["wd"])
        last = x.view(b, n, -1)[rows, lengths - 1] if step == 0 else x
        token = F.linear(rms(last, w["norm"]), w["embed"]).float().argmax(-1)
        out.append(token)
        done |= token == eos
        if step % 16 == 15 and bool(done.all()):
            break
        x, position = embed(token, w["embed"]).to(kind), lengths + step
    answers = torch.stack(out, 1).tolist()
    return [a[:a.index(eos)] if eos in a else a for a in answers]
