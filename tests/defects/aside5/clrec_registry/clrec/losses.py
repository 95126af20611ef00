from __future__ import annotations

import torch
import torch.nn.functional as F


def next_item_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Softmax over the catalogue at every event. logits (B, L, V), targets (B, L) with 0 where there is none."""
    return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=0)


def nt_xent(a: torch.Tensor, b: torch.Tensor, temperature: float) -> torch.Tensor:
    """a, b (B, D): two views of the same users, row by row. The other 2B - 2 views are negatives."""
    z = F.normalize(torch.cat([a, b]), dim=1)  # (2B, D)
    sim = z @ z.T / temperature
    sim.fill_diagonal_(float("-inf"))
    n = len(a)
    partner = torch.cat([torch.arange(n, 2 * n), torch.arange(n)]).to(a.device)
    return F.cross_entropy(sim, partner)
