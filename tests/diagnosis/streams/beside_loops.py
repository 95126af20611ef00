"""Training loops that look up, beside positives, what is no negative: views of histories, and neighbours of items."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seeds.interactions import Interactions
from tests.diagnosis.streams.loops import D, Encoder, Epochs


def _rows(log: Interactions, width: int) -> torch.Tensor:
    """The newest events of each user: (n_users, width + 1), padded in front."""
    table = np.zeros((log.n_users, width + 1), dtype=np.int64)
    for row in range(log.n_users):
        newest = log.history(row + 1)[-width - 1 :]
        table[row, len(table[row]) - len(newest) :] = newest
    return torch.from_numpy(table)


def _views(rows: torch.Tensor, mask: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One with some events masked, one in another order."""
    masked = torch.where((torch.rand(rows.shape) < 0.3) & (rows > 0), mask, rows)
    return masked, rows[:, torch.randperm(rows.shape[1])]


def _alike(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(F.normalize(a[:, -1]) @ F.normalize(b[:, -1]).T * 5, torch.arange(len(a)))


def contrastive_classes(log: Interactions, width: int = 20, batch: int = 32) -> Epochs:
    """Full softmax; two views of each history go through the encoder as well."""
    n, table = log.n_items, _rows(log, width)

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model, out = Encoder(n + 2), nn.Linear(D, n + 1)
        adam = torch.optim.Adam([*model.parameters(), *out.parameters()], 1e-3)
        while True:
            for rows in torch.randperm(len(table)).split(batch):
                inputs, targets = table[rows, :-1], table[rows, 1:]
                logits = out(model(inputs)).reshape(-1, n + 1)
                first, second = _views(inputs, n + 1)
                loss = F.cross_entropy(logits, targets.reshape(-1), ignore_index=0)
                loss = loss + 0.1 * _alike(model(first), model(second))
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def contrastive_pairs(log: Interactions, width: int = 20, batch: int = 32, own: bool = False) -> Epochs:
    """One negative beside each positive, both of one look-up; two views of each history go through the encoder as well.

    own: negatives are drawn from the user's own events.
    """
    n, table = log.n_items, _rows(log, width)
    met = torch.zeros(log.n_users, n + 1, dtype=torch.bool)
    met[log.users - 1, log.items] = True

    def draw(users: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        if own:
            return torch.stack([torch.multinomial(met[u].float(), shape[1], replacement=True) for u in users])
        drawn = torch.randint(1, n + 1, shape)
        for _ in range(20):
            drawn = torch.where(met[users[:, None], drawn], torch.randint(1, n + 1, shape), drawn)
        return drawn

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model = Encoder(n + 2)
        adam = torch.optim.Adam(model.parameters(), 1e-3)
        while True:
            for rows in torch.randperm(len(table)).split(batch):
                inputs, good = table[rows, :-1], table[rows, 1:]
                there = good > 0
                bad = torch.where(there, draw(rows, good.shape), 0)
                state = model(inputs)
                first, second = _views(inputs, n + 1)
                margin = (state * model.items(good)).sum(-1) - (state * model.items(bad)).sum(-1)
                loss = F.softplus(-margin)[there].mean() + 0.1 * _alike(model(first), model(second))
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def neighbours(
    log: Interactions, batch: int = 256, k: int = 4, drawn_once: bool = False, own: bool = False
) -> Epochs:
    """Pairs with drawn negatives, and a term that draws a user to the neighbours of his item, as UltraGCN's.

    drawn_once: one set of negatives for each pair serves all epochs. own: an item is its own first neighbour.
    """
    users, items, n = torch.from_numpy(log.users), torch.from_numpy(log.items), log.n_items
    met = torch.zeros(log.n_users + 1, n + 1, dtype=torch.bool)
    met[users, items] = True
    together = met.float().T @ met.float()
    near = together.fill_diagonal_(1e6 if own else 0).topk(k).indices  # (n + 1, k)

    def draw(whose: torch.Tensor) -> torch.Tensor:
        drawn = torch.randint(1, n + 1, (len(whose), k))
        for _ in range(20):
            drawn = torch.where(met[whose[:, None], drawn], torch.randint(1, n + 1, drawn.shape), drawn)
        return drawn

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        of_users, of_items = nn.Embedding(log.n_users + 1, D), nn.Embedding(n + 1, D)
        adam = torch.optim.Adam([*of_users.parameters(), *of_items.parameters()], 1e-2)
        fixed = draw(users)
        while True:
            for part in torch.randperm(len(users)).split(batch):
                u, good = users[part], items[part]
                bad = fixed[part] if drawn_once else draw(u)
                state = of_users(u)
                right = (state * of_items(good)).sum(-1)
                wrong = (state[:, None] * of_items(bad)).sum(-1)
                beside = (state[:, None] * of_items(near[good])).sum(-1)
                loss = (
                    F.softplus(-right).mean() + F.softplus(wrong).mean() - 0.1 * F.logsigmoid(beside).mean()
                )
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs
