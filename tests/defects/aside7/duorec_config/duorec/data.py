from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


@dataclass
class Batch:
    users: Tensor  # (B,)
    items: Tensor  # (B, L) left-padded with 0
    labels: Tensor  # (B, L) the item after each, 0 where there is none to learn
    view: Tensor  # (B, L) items, some of them substituted

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, name).to(device) for name in ("users", "items", "labels", "view")))


class SequenceDataset(Dataset):
    def __init__(self, sequences: Sequence[np.ndarray], n_items: int, max_len: int, substitute: float, seed: int):
        self.sequences = [s for s in sequences if len(s) > 1]
        self.n_items = n_items
        self.max_len = max_len
        self.substitute = substitute
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, user: int) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        sequence = self.sequences[user][-self.max_len - 1 :]
        items, labels = sequence[:-1], sequence[1:]
        view = items.copy()
        hit = self.rng.random(len(view)) < self.substitute
        view[hit] = self.rng.integers(1, self.n_items + 1, size=int(hit.sum()))
        return user, items, labels, view


def pad_left(rows: Sequence[np.ndarray]) -> Tensor:
    width = max(max(len(row) for row in rows), 1)
    out = np.zeros((len(rows), width), dtype=np.int64)
    for filled, row in zip(out, rows):
        filled[width - len(row) :] = row
    return torch.from_numpy(out)


def collate(rows: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]) -> Batch:
    users, items, labels, views = zip(*rows)
    return Batch(torch.tensor(users), pad_left(items), pad_left(labels), pad_left(views))


def make_loader(dataset: SequenceDataset, batch_size: int, seed: int) -> DataLoader:
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(dataset, batch_size, shuffle=True, collate_fn=collate, generator=generator)


@dataclass
class Log:
    """users, items, categories of items by id; items from 1, events by user and time."""

    sequences: list[np.ndarray]
    category: np.ndarray  # (n_items + 1,)

    @property
    def n_items(self) -> int:
        return len(self.category) - 1


def read_jsonl(path: str) -> Log:
    with open(path) as lines:
        rows = [json.loads(line) for line in lines]
    items = {name: i for i, name in enumerate(sorted({r["item"] for r in rows}), start=1)}
    names = {name: i for i, name in enumerate(sorted({r["category"] for r in rows}), start=1)}
    users = np.unique([r["user"] for r in rows], return_inverse=True)[1]
    times = np.array([r["timestamp"] for r in rows], dtype=np.int64)
    category = np.zeros(len(items) + 1, dtype=np.int64)
    for r in rows:
        category[items[r["item"]]] = names[r["category"]]
    order = np.lexsort((times, users))
    events = np.array([items[r["item"]] for r in rows])[order]
    return Log(np.split(events, np.flatnonzero(np.diff(users[order])) + 1), category)
