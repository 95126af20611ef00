from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from .augment import Augmenter


def pad_right(rows: list[np.ndarray]) -> torch.Tensor:
    """Rows of ids to (B, longest), empty places behind the newest event."""
    out = torch.zeros(len(rows), max(len(row) for row in rows), dtype=torch.long)
    for i, row in enumerate(rows):
        out[i, : len(row)] = torch.from_numpy(np.ascontiguousarray(row))
    return out


@dataclass
class Batch:
    inputs: torch.Tensor  # (B, L)
    targets: torch.Tensor  # (B, L), the event after each input, 0 for none
    view_a: torch.Tensor  # (B, La)
    view_b: torch.Tensor  # (B, Lb)

    def to(self, device) -> "Batch":
        return Batch(**{name: value.to(device) for name, value in vars(self).items()})


class UserSequences(Dataset):
    """One sequence a user: its newest `max_len` transitions, and two augmented views of its inputs."""

    def __init__(self, histories: list[np.ndarray], max_len: int, augmenter: Augmenter):
        self.rows = [np.array(h[-(max_len + 1) :]) for h in histories if len(h) > 1]
        self.augmenter = augmenter

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int):
        row = self.rows[index]
        inputs, targets = row[:-1], row[1:]
        return (inputs, targets, *self.augmenter.two_views(inputs))

    @staticmethod
    def collate(examples) -> Batch:
        inputs, targets, view_a, view_b = (pad_right(list(part)) for part in zip(*examples))
        return Batch(inputs, targets, view_a, view_b)


def training_loader(histories, conf: dict, n_items: int, seed: int) -> DataLoader:
    augmenter = Augmenter(conf["contrast"], mask_id=n_items + 1, seed=seed)
    return DataLoader(
        UserSequences(histories, conf["max_len"], augmenter),
        batch_size=conf["train"]["batch_size"],
        shuffle=True,
        collate_fn=UserSequences.collate,
        generator=torch.Generator().manual_seed(seed),
    )


def read_csv(path: str) -> list[np.ndarray]:
    """user,item,timestamp rows -> items of each user by time; ids from 1."""
    table = np.loadtxt(path, delimiter=",", dtype=np.int64)
    table = table[np.lexsort((table[:, 2], table[:, 0]))]
    starts = np.flatnonzero(np.diff(table[:, 0])) + 1
    return [block[:, 1] for block in np.split(table, starts)]
