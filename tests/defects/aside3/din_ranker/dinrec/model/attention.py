import torch
from torch import nn

from .layers import FullyConnected


class TargetAttention(nn.Module):
    """How much each event of the history matters for a candidate."""

    def __init__(self, width, hidden, length):
        super().__init__()
        self.score = FullyConnected(4 * width, hidden, 1)
        self.recency = nn.Parameter(torch.linspace(-2.0, 0.0, length))

    def forward(self, query, keys, valid):
        """query (B, C, D), keys (B, L, D), valid (B, L) -> (B, C, D)"""
        q = query.unsqueeze(2).expand(-1, -1, keys.size(1), -1)
        k = keys.unsqueeze(1).expand(-1, query.size(1), -1, -1)
        logit = self.score(torch.cat([q, k, q - k, q * k], dim=-1)).squeeze(-1)
        logit = logit + self.recency[-keys.size(1) :]
        logit = logit.masked_fill(~valid.unsqueeze(1), -1e9)
        weight = torch.softmax(logit, dim=-1) * valid.unsqueeze(1)
        return torch.einsum("bcl,bld->bcd", weight, keys)
