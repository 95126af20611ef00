"""Softmax over the target and items drawn by popularity, corrected for how often each is drawn."""

import numpy as np
import torch
import torch.nn.functional as F

from mixer import logits_of


def proposal(sequences, n_items, power):
    """How probable each item is to be drawn; padding never is."""
    count = np.bincount(np.concatenate(sequences), minlength=n_items + 1).astype(np.float64)
    weight = (count + 1.0) ** power
    weight[0] = 0.0
    return torch.from_numpy(weight / weight.sum()).float()


def draw(q, shape, generator):
    n = int(np.prod(shape))
    return torch.multinomial(q, n, replacement=True, generator=generator).reshape(shape)


def sampled_softmax(params, states, targets, negatives, log_q):
    """states (B, L, D), targets (B, L) with 0 where there is none, negatives (B, 1, K) -> mean loss of the real targets"""
    negatives = negatives.expand(-1, targets.shape[1], -1)
    pos = logits_of(params, states, targets.unsqueeze(-1)) - log_q[targets].unsqueeze(-1)
    neg = logits_of(params, states, negatives) - log_q[negatives]
    neg = neg.masked_fill(negatives == targets.unsqueeze(-1), -1e9)
    logits = torch.cat([pos, neg], dim=-1)
    real = targets > 0
    return F.cross_entropy(logits[real], torch.zeros_like(targets[real]))
