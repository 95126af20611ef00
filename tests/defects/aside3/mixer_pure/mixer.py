"""A causal MLP-mixer as functions of a dictionary of tensors.

Time is mixed by learned filters, one per group of channels: y_t = sum_s filter[s] x_{t-s}, so that no position embedding is
needed and padding, being zero, adds nothing.
"""

import math

import torch
import torch.nn.functional as F


def init_params(n_items, width, dim, depth, groups, expand, generator):
    def normal(*shape, std):
        return torch.randn(*shape, generator=generator) * std

    params = {"item": normal(n_items + 1, dim, std=0.1)}
    params["item"][0] = 0.0
    for k in range(depth):
        decay = torch.exp(-torch.arange(width) / 3.0).repeat(groups, 1)
        params[f"{k}.filter"] = decay / 3.0 + normal(groups, width, std=0.02)
        params[f"{k}.norm_time"] = torch.ones(dim)
        params[f"{k}.norm_channel"] = torch.ones(dim)
        params[f"{k}.up"] = normal(dim * expand, dim, std=dim**-0.5)
        params[f"{k}.up_bias"] = torch.zeros(dim * expand)
        params[f"{k}.down"] = normal(dim, dim * expand, std=(dim * expand) ** -0.5)
        params[f"{k}.down_bias"] = torch.zeros(dim)
    params["norm_out"] = torch.ones(dim)
    params["bias"] = torch.zeros(n_items + 1)
    return params


def rms_norm(x, gain):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * gain


def toeplitz(filters, length):
    """(G, W) filters -> (G, L, L) matrices; row t holds what the places up to t weigh."""
    t = torch.arange(length, device=filters.device)
    lag = t[:, None] - t[None, :]
    taps = filters[:, lag.clamp(min=0)]
    return taps * (lag >= 0)


def mix_time(x, filters):
    batch, length, dim = x.shape
    groups = x.reshape(batch, length, len(filters), dim // len(filters))
    mixed = torch.einsum("gts,bsgd->btgd", toeplitz(filters, length), groups)
    return mixed.reshape(batch, length, dim)


def mix_channels(x, params, k):
    hidden = F.gelu(F.linear(x, params[f"{k}.up"], params[f"{k}.up_bias"]))
    return F.linear(hidden, params[f"{k}.down"], params[f"{k}.down_bias"])


def encode(params, ids, *, depth, dropout=0.0, training=False):
    """ids (B, L) -> states (B, L, D), the state at t knows the events up to t."""
    real = (ids > 0).unsqueeze(-1)
    x = F.dropout(F.embedding(ids, params["item"]), dropout, training) * real
    for k in range(depth):
        x = x + mix_time(rms_norm(x, params[f"{k}.norm_time"]), params[f"{k}.filter"]) * real
        x = x + F.dropout(mix_channels(rms_norm(x, params[f"{k}.norm_channel"]), params, k), dropout, training) * real
    return rms_norm(x, params["norm_out"])


def logits_of(params, states, items):
    """states (..., D), items (..., K) -> (..., K)"""
    rows = F.embedding(items, params["item"])
    scale = math.sqrt(rows.shape[-1])
    return torch.einsum("...d,...kd->...k", states, rows) / scale + params["bias"][items]


def logits_of_all(params, states):
    scale = math.sqrt(states.shape[-1])
    return states @ params["item"].T / scale + params["bias"]
