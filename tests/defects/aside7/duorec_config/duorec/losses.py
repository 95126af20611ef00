from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def next_item_loss(hidden: Tensor, labels: Tensor, table: Tensor, smoothing: float) -> Tensor:
    """hidden (B, L, D), labels (B, L), table (n_items + 1, D)"""
    asked = labels > 0
    logits = hidden[asked] @ table[1:].T
    return F.cross_entropy(logits, labels[asked] - 1, label_smoothing=smoothing)


def info_nce(a: Tensor, b: Tensor, users: Tensor, temperature: float) -> Tensor:
    """a, b (B, D): two views of each row; rows of the same user are no negatives."""
    n = len(a)
    z = F.normalize(torch.cat([a, b]), dim=1)
    similarity = z @ z.T / temperature  # (2B, 2B)
    positive = torch.arange(2 * n, device=z.device).roll(n)
    owners = torch.cat([users, users])
    ignored = owners[:, None] == owners[None, :]
    ignored[torch.arange(2 * n, device=z.device), positive] = False
    return F.cross_entropy(similarity.masked_fill(ignored, -torch.inf), positive)
