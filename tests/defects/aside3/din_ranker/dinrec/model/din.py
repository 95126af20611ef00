import torch
from torch import nn

from .attention import TargetAttention
from .embedding import ItemEncoder
from .layers import FullyConnected


class DeepInterestNetwork(nn.Module):
    """Zhou et al. 2018: the history is read anew for every candidate. Returns logits."""

    def __init__(self, features, settings):
        super().__init__()
        self.items = ItemEncoder(features, settings)
        self.attention = TargetAttention(
            self.items.width, settings.attention_hidden, settings.history_len
        )
        self.tower = FullyConnected(4 * self.items.width, settings.tower_hidden, 1, settings.dropout)
        self.successor = nn.Embedding(features.n_rows, self.items.width, padding_idx=0)
        self.popularity = nn.Embedding(features.n_rows, 1)
        nn.init.normal_(self.successor.weight, std=0.1)
        nn.init.constant_(self.popularity.weight, -1.0)

    def forward(self, history, candidates):
        """history (B, L), candidates (B, C) -> logits (B, C)"""
        keys, query = self.items(history), self.items(candidates)
        interest = self.attention(query, keys, history > 0)
        last = self.successor(history[:, -1]).unsqueeze(1)
        newest = keys[:, -1:].expand_as(query)
        deep = self.tower(torch.cat([query, interest, query * interest, newest], dim=-1)).squeeze(-1)
        wide = (query * last).sum(-1) + (query * interest).sum(-1)
        return deep + wide + self.popularity(candidates).squeeze(-1)
