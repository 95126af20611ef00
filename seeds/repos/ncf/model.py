"""NeuMF (He et al., WWW 2017): whether a user takes an item, by a factorization and a network side by side.

Shapes: B users, K items each, D dimensions of a factorization, E of what the network reads of a user or an item.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

PADDING = 0


class NeuMF(nn.Module):
    """User and item ids run from 1. Both sides have tables of their own; their last layers are read together."""

    def __init__(self, n_users: int, n_items: int, *, dim: int, layers: Sequence[int]) -> None:
        """layers: widths of the network, from the user and item side by side down to what is read together."""
        super().__init__()
        half = layers[0] // 2  # E
        self.user_factors = nn.Embedding(n_users + 1, dim, padding_idx=PADDING)
        self.item_factors = nn.Embedding(n_items + 1, dim, padding_idx=PADDING)
        self.user_embedding = nn.Embedding(n_users + 1, half, padding_idx=PADDING)
        self.item_embedding = nn.Embedding(n_items + 1, half, padding_idx=PADDING)
        # The first layer of the network in two parts, so that a user's is computed once for all items.
        self.of_user = nn.Linear(half, layers[1])
        self.of_item = nn.Linear(half, layers[1], bias=False)
        widths = pairwise(layers[1:])
        self.network = nn.Sequential(
            *(part for i, o in widths for part in (nn.ReLU(), nn.Linear(i, o))), nn.ReLU()
        )
        self.output = nn.Linear(dim + layers[-1], 1)
        self.apply(_initialize)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """The logit of each of K items for each user: users (B,), items (B, K) -> (B, K)."""
        factors = self.user_factors(users)[:, None] * self.item_factors(items)  # (B, K, D)
        read = self.of_user(self.user_embedding(users))[:, None] + self.of_item(self.item_embedding(items))
        return self.output(torch.cat([factors, self.network(read)], -1)).squeeze(-1)

    def scores(self, users: Tensor) -> Tensor:
        """The logits of all items: users (B,) -> (B, n_items + 1)."""
        every = torch.arange(self.item_factors.num_embeddings, device=users.device)
        return self(users, every.expand(len(users), -1))


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.01)
        with torch.no_grad():
            module.weight[PADDING].zero_()
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
