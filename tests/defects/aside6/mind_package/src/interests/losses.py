from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def ranking_loss(logits: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross entropy of the first candidate among all of its row."""
    labels = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    return F.cross_entropy(logits, labels, label_smoothing=smoothing)


def overlap(interests: Tensor) -> Tensor:
    """Mean squared cosine between different interests of a customer: (B, K, D) -> ()."""
    unit = F.normalize(interests, dim=-1)
    cosines = unit @ unit.transpose(1, 2)  # (B, K, K)
    n = cosines.size(1)
    if n == 1:
        return cosines.new_zeros(())
    others = ~torch.eye(n, dtype=torch.bool, device=cosines.device)
    return cosines[:, others].pow(2).mean()
