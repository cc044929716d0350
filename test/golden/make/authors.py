"""Where mlx-lm computes something else than a family's authors: changes of a loaded mlx-lm model, as `authors` of a variant."""

import math

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.base import create_causal_mask


class Windowed(nn.Module):
    """A block of mlx-lm whose attention sees itself and the window - 1 positions before it."""

    def __init__(self, block, window):
        super().__init__()
        self.block, self.window = block, window

    def __call__(self, x, mask=None, cache=None):
        return self.block(x, create_causal_mask(x.shape[1], cache.offset, window_size=self.window), cache)


def windows(in_layer=lambda i: True):
    """mlx-lm ignores sliding_window of Gemma 2 (even layers), Phi-3 and StarCoder2 (all layers); transformers obeys it."""

    def change(model, config):
        layers = model.model.layers
        for i, layer in enumerate(layers):
            if in_layer(i):
                layers[i] = Windowed(layer, config["sliding_window"])

    return change


def tanh_gelu(model, config):
    """Gemma and StarCoder2 were trained with GELU's tanh form; mlx-lm has the exact one."""
    nn.gelu = nn.gelu_approx


def both(*changes):
    def change(model, config):
        for one in changes:
            one(model, config)

    return change


class FloatRows(nn.Module):
    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding

    def __call__(self, ids):
        return self.embedding(ids).astype(mx.float32)

    def as_linear(self, x):
        return self.embedding.as_linear(x)


def float_rows(model, config):
    """mlx-lm unpacks rows of mxfp4, mxfp8 and nvfp4 embeddings as bfloat16; the reference is float32 throughout."""
    model.model.embed_tokens = FloatRows(model.model.embed_tokens)


def correction(layer):
    """The correction of expert scores in one layer of ERNIE 4.5, for 8 experts."""
    return 0.2 * mx.random.normal((8,), key=mx.random.key(int(layer)))


class CorrectedMoe(nn.Module):
    def __init__(self, moe, layer):
        super().__init__()
        self.moe, self.layer = moe, layer

    def __call__(self, x):
        moe = self.moe
        scores = mx.softmax(moe.gate(x), axis=-1)
        chosen = mx.argsort(-(scores + correction(self.layer)), axis=-1)[..., : moe.k]
        weights = mx.take_along_axis(scores, chosen, axis=-1)
        weights = weights / weights.sum(axis=-1, keepdims=True)
        return (moe.switch_mlp(x, chosen) * weights[..., None]).sum(axis=-2) + moe.shared_experts(x)


def correct_ernie(model, config):
    """ERNIE 4.5 chooses experts by corrected scores; mlx-lm drops the corrections."""
    for i, layer in enumerate(model.model.layers):
        if hasattr(layer.mlp, "switch_mlp"):
            layer.mlp = CorrectedMoe(layer.mlp, i)


def yarn_untruncated(model, config):
    """gpt-oss blends wavelengths between bounds that stay fractions ("truncate": false); mlx-lm rounds them."""
    scaling, dims, base = config["rope_scaling"], config["head_dim"], config["rope_theta"]
    trained = scaling["original_max_position_embeddings"]
    pair = lambda turns: dims * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(base))
    low, high = max(pair(scaling["beta_fast"]), 0), min(pair(scaling["beta_slow"]), dims - 1)
    plain = [base ** (2 * i / dims) for i in range(dims // 2)]
    ramp = [min(max((i - low) / (high - low), 0), 1) for i in range(dims // 2)]
    wavelengths = [1 / ((1 - r) / w + r / (scaling["factor"] * w)) for w, r in zip(plain, ramp)]
    for layer in model.model.layers:
        layer.self_attn.rope._freqs = mx.array(wavelengths)
