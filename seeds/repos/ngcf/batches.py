"""Training batches: events, shuffled, each with one item that its user has no event with.

All events stay on the training device; a batch is cut out of them by index.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

MAX_DRAWS = 5


class Batch(NamedTuple):
    """All (B,) int64: users, an item of each, and one that is not."""

    users: Tensor
    positives: Tensor
    negatives: Tensor


class Batches:
    """Every event once an epoch, with a new negative, in about n_steps batches of at least smallest events.

    The whole graph is propagated at every step, however few events are in it: so the number of steps is set, and the size
    of a batch follows from the log.
    """

    def __init__(self, data, *, n_steps: int, smallest: int, device: torch.device, seed: int) -> None:
        self.batch_size = max(smallest, -(-len(data.users) // n_steps))
        self.n_items = data.n_items
        self.generator = torch.Generator(device=device).manual_seed(seed)
        self.users = torch.as_tensor(data.users, device=device)  # (N,)
        self.items = torch.as_tensor(data.items, device=device)  # (N,)
        self.seen = torch.sort(self._pair(self.users, self.items)).values  # (N,)

    def epoch(self) -> Iterator[Batch]:
        """Every event once, in random order."""
        order = torch.randperm(len(self.users), generator=self.generator, device=self.users.device)
        for part in order.split(self.batch_size):
            users = self.users[part]
            yield Batch(users, self.items[part], self._negatives(users))

    def _negatives(self, users: Tensor) -> Tensor:
        """Uniform items that the user has no event with: (B,). What hits still after MAX_DRAWS is let be."""
        negatives = self._draw(users.shape)
        for _ in range(MAX_DRAWS - 1):
            hit = self._is_seen(users, negatives)
            negatives = torch.where(hit, self._draw(users.shape), negatives)
        return negatives

    def _draw(self, shape: torch.Size) -> Tensor:
        return torch.randint(1, self.n_items + 1, shape, generator=self.generator, device=self.items.device)

    def _is_seen(self, users: Tensor, items: Tensor) -> Tensor:
        pairs = self._pair(users, items)
        place = torch.searchsorted(self.seen, pairs).clamp(max=len(self.seen) - 1)
        return self.seen[place] == pairs

    def _pair(self, users: Tensor, items: Tensor) -> Tensor:
        return users * (self.n_items + 1) + items
