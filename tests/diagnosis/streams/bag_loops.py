"""Training loops that read histories as bags of ids behind one another, as nn.EmbeddingBag takes them."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from seeds.interactions import Interactions

D, LENGTH = 8, 20
Epochs = Callable[[Callable[[], None]], Iterator[Any]]


def bags(log: Interactions, batch: int = 128, with_target: bool = False, low_half: bool = False) -> Epochs:
    """The mean of what came before, against the next event and negatives that a batch shares.

    with_target: the bag holds the event that it is to predict. low_half: negatives are drawn from half of the catalogue.
    """
    items, n = torch.from_numpy(log.items).long(), log.n_items
    offsets = torch.from_numpy(log.offsets).long()
    examples = [
        (max(int(offsets[user]), at - LENGTH), at)
        for user in range(1, log.n_users + 1)
        for at in range(int(offsets[user]) + 1, int(offsets[user + 1]))
    ]

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        bag, out = nn.EmbeddingBag(n + 1, D, mode="mean"), nn.Embedding(n + 1, D)
        adam = torch.optim.Adam([*bag.parameters(), *out.parameters()], 1e-2)
        while True:
            for part in torch.randperm(len(examples)).split(batch):
                rows = [items[a : t + with_target] for a, t in (examples[i] for i in part.tolist())]
                begins = torch.tensor([0, *(len(row) for row in rows[:-1])]).cumsum(0)
                state = bag(torch.cat(rows), begins)
                good = items[torch.tensor([examples[i][1] for i in part.tolist()])]
                bad = torch.randint(1, (n // 2 if low_half else n) + 1, (64,))
                logits = torch.cat([(state * out(good)).sum(1, keepdim=True), state @ out(bad).T], dim=1)
                loss = F.cross_entropy(logits, torch.zeros(len(part), dtype=torch.long))
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs
