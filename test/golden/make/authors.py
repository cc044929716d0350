"""Where mlx-lm computes something else than a family's authors: changes of a loaded mlx-lm model, as `authors` of a variant."""

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
