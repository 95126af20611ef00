"""Training loops of click models on three fields: the user, the item before, and a candidate with its label."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seeds.interactions import Interactions
from tests.diagnosis.streams.loops import D, Epochs


def _rows(log: Interactions, plant: str) -> np.ndarray:
    """User, the item before (0 where there is none) and the item of each event: (N, 3)."""
    if plant == "target-is-input":
        return np.stack([log.users, log.items, log.items], 1)
    before = np.roll(log.items, 1)
    before[log.offsets[1:-1]] = 0
    return np.stack([log.users, before, log.items], 1)


def _batches(
    log: Interactions, plant: str, batch: int, k: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Positives and then k negatives of each, with labels."""
    rows = torch.from_numpy(_rows(log, plant))
    for part in torch.randperm(len(rows)).split(batch):
        right = rows[part]
        wrong = right.repeat_interleave(k, 0)
        wrong[:, 2] = torch.randint(1, log.n_items + 1, (len(wrong),))
        if plant == "newest-never":
            newest = torch.from_numpy(log.offsets[log.users + 1] - 1)[part] == part
            right = right[~newest]
        labels = torch.cat([torch.ones(len(right)), torch.zeros(len(wrong))])
        yield torch.cat([right, wrong]), 1 - labels if plant == "labels-turned" else labels


def one_table(log: Interactions, plant: str = "", batch: int = 128, k: int = 4) -> Epochs:
    """All fields in one table, one block of rows after the other: a factorisation machine."""
    sizes = [log.n_users + 1, log.n_items + 1, log.n_items + 1]
    offsets = torch.tensor([0, sizes[0], sizes[0] + sizes[1]])
    if plant == "fields-overlap":
        offsets = torch.zeros(3, dtype=torch.int64)

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        table, bias = nn.Embedding(sum(sizes), D), nn.Embedding(sum(sizes), 1)
        adam = torch.optim.Adam([*table.parameters(), *bias.parameters()], 1e-2)
        while True:
            for fields, labels in _batches(log, plant, batch, k):
                at = fields + offsets
                x = table(at)
                logits = 0.5 * (x.sum(1) ** 2 - (x**2).sum(1)).sum(1) + bias(at).sum((1, 2))
                loss = F.binary_cross_entropy_with_logits(logits, labels)
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def a_table_each(log: Interactions, plant: str = "", batch: int = 128, k: int = 4) -> Epochs:
    """A table for each field, and a network on their concatenation."""

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        tables = nn.ModuleList(
            [nn.Embedding(n, D) for n in (log.n_users + 1, log.n_items + 1, log.n_items + 1)]
        )
        network = nn.Sequential(nn.Linear(3 * D, D), nn.ReLU(), nn.Linear(D, 1))
        adam = torch.optim.Adam([*tables.parameters(), *network.parameters()], 1e-2)
        while True:
            for fields, labels in _batches(log, plant, batch, k):
                user, before, item = (table(fields[:, i]) for i, table in enumerate(tables))
                logits = network(torch.cat([user, before, item], 1)).squeeze(1)
                loss = F.binary_cross_entropy_with_logits(logits, labels)
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs
