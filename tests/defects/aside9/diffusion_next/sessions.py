"""Logs, examples and the repo's own split."""
from __future__ import annotations

import csv
from collections import defaultdict

import torch
from torch import Tensor
from torch.utils.data import Dataset


def padded(items: list[int], width: int) -> list[int]:
    items = items[-width:]
    return [0] * (width - len(items)) + items


class NextFew(Dataset):
    """For each event after a user's first: the history before it, and a vector of it and the next few, fading."""

    def __init__(self, sequences: list[list[int]], n_items: int, maxlen: int, ahead: int, fade: float) -> None:
        self.index = [(row, t) for row, items in enumerate(sequences) for t in range(1, len(items))]
        self.past = torch.tensor([padded(sequences[row][:t], maxlen) for row, t in self.index])
        self.coming = torch.zeros(len(self.index), n_items + 1)
        for i, (row, t) in enumerate(self.index):
            few = sequences[row][t:t + ahead]
            for distance, item in reversed(list(enumerate(few))):
                self.coming[i, item] = fade ** distance

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.past[i], self.coming[i]


def read_sequences(path: str) -> tuple[list[list[int]], int]:
    """Columns user, item, timestamp -> one list a user in order of time, and the number of items"""
    ids: dict[str, int] = {}
    events: dict[str, list[tuple[int, int]]] = defaultdict(list)
    with open(path, newline="") as handle:
        for row in csv.DictReader(handle):
            item = ids.setdefault(row["item"], len(ids) + 1)
            events[row["user"]].append((int(row["timestamp"]), item))
    ordered = (sorted(of_user, key=lambda e: e[0]) for of_user in events.values())
    return [[item for _, item in of_user] for of_user in ordered], len(ids)


def split(sequences: list[list[int]]) -> tuple[list[list[int]], list[tuple], list[tuple]]:
    """The last event of a user is for test, the one before for validation."""
    train = [items[:-2] if len(items) > 3 else items for items in sequences]
    long = [items for items in sequences if len(items) > 3]
    valid = [(items[:-2], items[-2]) for items in long]
    test = [(items[:-1], items[-1]) for items in long]
    return train, valid, test
