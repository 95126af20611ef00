"""Windows over histories, negatives, and batches. Items run from 1; 0 fills up on the left."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from typing import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


@dataclass
class Catalogue:
    n_items: int
    category: np.ndarray  # (n_items + 1,), 0 for none

    @property
    def n_categories(self) -> int:
        return int(self.category.max()) + 1


@dataclass
class Batch:
    history: Tensor  # (B, L)
    target: Tensor  # (B,)
    negatives: Tensor  # (B, N)

    def to(self, device: torch.device) -> Batch:
        return Batch(self.history.to(device), self.target.to(device), self.negatives.to(device))


class WindowDataset(Dataset):
    """One example for each event that has a past: the events before it, and the event."""

    def __init__(self, histories: Sequence[np.ndarray], max_len: int) -> None:
        self.histories = histories
        self.max_len = max_len
        self.index = [(user, t) for user, items in enumerate(histories) for t in range(1, len(items))]

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, row: int) -> tuple[int, np.ndarray, int]:
        user, t = self.index[row]
        items = self.histories[user]
        return user, items[max(0, t - self.max_len) : t], int(items[t])


class NegativeSampler:
    """Uniform negatives that the customer has not bought."""

    def __init__(self, n_items: int, bought: Sequence[Iterable[int]], count: int, seed: int) -> None:
        self.n_items = n_items
        self.count = count
        self.rng = np.random.default_rng(seed)
        self.bought = np.zeros((len(bought), n_items + 1), dtype=bool)
        for user, items in enumerate(bought):
            self.bought[user, list(items)] = True

    def __call__(self, users: Sequence[int]) -> Tensor:
        rows = np.asarray(users)[:, None]
        drawn = self.rng.integers(1, self.n_items + 1, size=(len(users), self.count))
        for _ in range(20):
            hit = self.bought[rows, drawn]
            if not hit.any():
                break
            drawn[hit] = self.rng.integers(1, self.n_items + 1, size=int(hit.sum()))
        return torch.from_numpy(drawn)


def pad_left(histories: Sequence[np.ndarray]) -> Tensor:
    """To the longest of the batch."""
    width = max(len(items) for items in histories)
    padded = np.zeros((len(histories), width), dtype=np.int64)
    for row, items in enumerate(histories):
        padded[row, width - len(items) :] = items
    return torch.from_numpy(padded)


def make_loader(
    histories: Sequence[np.ndarray], n_items: int, max_len: int, batch_size: int, n_negatives: int, seed: int
) -> DataLoader:
    sampler = NegativeSampler(n_items, histories, n_negatives, seed)

    def collate(rows: list[tuple[int, np.ndarray, int]]) -> Batch:
        users, past, targets = zip(*rows)
        return Batch(pad_left(past), torch.tensor(targets), sampler(users))

    return DataLoader(
        WindowDataset(histories, max_len),
        batch_size=batch_size,
        shuffle=True,
        collate_fn=collate,
        generator=torch.Generator().manual_seed(seed),
    )


def read_log(path: str) -> tuple[list[np.ndarray], Catalogue]:
    """A csv of user, item, timestamp, category. Histories of at least four events, oldest first."""
    events: dict[str, list[tuple[int, int]]] = defaultdict(list)
    category: dict[int, int] = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            item = int(row["item"])
            events[row["user"]].append((int(row["timestamp"]), item))
            category[item] = int(row["category"])
    histories = [np.array([item for _, item in sorted(rows)]) for rows in events.values() if len(rows) > 3]
    n_items = max(category)
    return histories, Catalogue(n_items, np.array([category.get(i, 0) for i in range(n_items + 1)]))
