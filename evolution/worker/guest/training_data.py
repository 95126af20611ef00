"""The arrays of the training log and of the questions, as the exported folder holds them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

ARRAYS = ("users", "items", "timestamps", "ratings", "offsets")


class Columns(dict):  # type: ignore[type-arg]
    """Item columns by name, as entries and as attributes: `columns["title"]`, `columns.title`."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"the data has no item column {name!r}; it has {', '.join(sorted(self))}")


def load_training(folder: str) -> SimpleNamespace:
    """What `build` is given: users, items, timestamps, ratings, offsets, n_users, n_items, item_columns."""
    base = Path(folder)
    document = json.loads((base / "columns.json").read_text(encoding="utf-8"))
    columns = Columns(document["strings"])
    for place, name in enumerate(document["numbers"]):
        columns[name] = np.load(base / f"column_{place}.npy", allow_pickle=False)
    data = SimpleNamespace(n_users=document["n_users"], n_items=document["n_items"], item_columns=columns)
    for name in ARRAYS:
        path = base / f"{name}.npy"
        setattr(data, name, np.load(path, allow_pickle=False) if path.exists() else None)
    return data


class QuestionSet:
    """users: int64 (Q,). Question q's history, oldest first: `items[offsets[q]:offsets[q + 1]]`."""

    def __init__(self, folder: str) -> None:
        self.users = np.load(Path(folder, "users.npy"), allow_pickle=False)
        self.items = np.load(Path(folder, "items.npy"), allow_pickle=False)
        self.offsets = np.load(Path(folder, "offsets.npy"), allow_pickle=False)
        lengths = np.diff(self.offsets)
        self.by_length = np.argsort(lengths, kind="stable")  # neighbours pad to nearly the same length

    def __len__(self) -> int:
        return len(self.users)

    def histories(self, rows: np.ndarray, max_history: int) -> np.ndarray:
        """Left-padded newest events of the questions `rows`: int64 (B, L), L the longest of the batch."""
        ends = self.offsets[rows + 1]
        lengths = np.minimum(ends - self.offsets[rows], max_history)  # (B,)
        width = max(1, int(lengths.max()))
        columns = np.arange(width)[None, :]  # (1, L)
        inside = columns >= (width - lengths)[:, None]  # (B, L)
        source = ends[:, None] - width + columns
        padded = np.zeros((len(rows), width), dtype=np.int64)
        padded[inside] = self.items[source[inside]]
        return padded

    def seen(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Every history event of the questions `rows` as (row within the batch, item): int64 (E,) each."""
        starts, ends = self.offsets[rows], self.offsets[rows + 1]
        lengths = ends - starts
        batch_rows = np.repeat(np.arange(len(rows)), lengths)
        first = np.repeat(np.cumsum(lengths) - lengths, lengths)
        source = np.arange(int(lengths.sum())) - first + np.repeat(starts, lengths)
        return batch_rows, self.items[source]
