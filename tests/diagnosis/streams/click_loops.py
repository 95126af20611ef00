"""Small training loops over rows of history, candidate and label, as click models have them; made as those of `loops.py`."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from seeds.interactions import Interactions
from tests.diagnosis.streams.loops import D, Epochs, padded


class Reader(nn.Module):
    """Scores a candidate by the mean of a history."""

    def __init__(self, log: Interactions) -> None:
        super().__init__()
        self.items = nn.Embedding(log.n_items + 1, D, padding_idx=0)
        self.users = nn.Embedding(log.n_users + 1, D)

    def forward(self, user: torch.Tensor, history: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        read = self.items(history).sum(1) / (history > 0).sum(1, keepdim=True).clamp(min=1)
        return ((read + self.users(user)) * self.items(item)).sum(-1)


def before_each(log: Interactions, width: int, plant: str) -> np.ndarray:
    """What a user chose before each event."""
    stop = 1 if plant == "target-is-input" else 0
    starts = log.offsets[log.users]
    return padded([log.items[max(s, at + stop - width) : at + stop] for at, s in enumerate(starts)], width)


def clicks(log: Interactions, plant: str = "", batch: int = 256, k: int = 3, width: int = 8) -> Epochs:
    """Arrays of all rows, positives first, through a DataLoader that shuffles; the loss takes logits and labels."""
    rng = np.random.default_rng(5)
    history = before_each(log, width, plant)
    met = np.zeros((log.n_users + 1, log.n_items + 1), bool)
    met[log.users, log.items] = True
    pool = np.arange(1, log.n_items + 1)
    if plant == "negatives-common":
        pool = np.flatnonzero(np.bincount(log.items) >= np.quantile(np.bincount(log.items), 0.5))

    def draw() -> np.ndarray:
        users = np.repeat(log.users, k)
        drawn = rng.choice(pool, len(users))
        while (hit := met[users, drawn]).any() and plant != "negatives-own":
            drawn[hit] = rng.choice(pool, hit.sum())
        return rng.permutation(log.items).repeat(k) if plant == "negatives-own" else drawn

    once = draw()

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model = Reader(log)
        adam = torch.optim.Adam(model.parameters(), 1e-2)
        while True:
            negatives = once if plant == "negatives-fixed" else draw()
            repeat = np.tile(history, (k, 1)) if plant == "tiled" else history.repeat(k, axis=0)
            columns = (
                np.concatenate([log.users, log.users.repeat(k)]),
                np.concatenate([history, repeat]),
                np.concatenate([log.items, negatives]),
                np.concatenate([np.ones(log.n_events), np.zeros(len(negatives))]),
            )
            rows = [tuple(column[n] for column in columns) for n in range(len(columns[0]))]
            for user, read, item, label in DataLoader(rows, batch_size=batch, shuffle=True):  # type: ignore[arg-type]
                loss = F.binary_cross_entropy_with_logits(model(user, read, item), label.float())
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


def signs(log: Interactions, plant: str = "", batch: int = 256, k: int = 3, width: int = 8) -> Epochs:
    """Rows as tuples, drawn and shuffled in Python; the loss is softplus of the score times -1 or 1."""
    rng = np.random.default_rng(6)
    history = before_each(log, width, plant)
    pool = np.arange(1, log.n_items + 1)
    if plant == "negatives-common":
        pool = np.flatnonzero(np.bincount(log.items) >= np.quantile(np.bincount(log.items), 0.5))

    def rows() -> list[tuple[int, np.ndarray, int, int]]:
        made = []
        for at in range(log.n_events):
            user = int(log.users[at])
            made.append((user, history[at], int(log.items[at]), 1))
            own = log.history(user)
            for drawn in rng.choice(np.setdiff1d(pool, own), k):
                made.append((user, history[at], int(drawn), -1))
        return made

    once = rows()

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model = Reader(log)
        adam = torch.optim.Adam(model.parameters(), 1e-2)
        while True:
            data = once if plant == "negatives-fixed" else rows()
            order = rng.permutation(len(data))
            for start in range(0, len(data), batch):
                user, read, item, sign = (
                    torch.as_tensor(np.array(column))
                    for column in zip(*(data[i] for i in order[start : start + batch]), strict=True)
                )
                loss = F.softplus(-sign * model(user, read, item)).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs
