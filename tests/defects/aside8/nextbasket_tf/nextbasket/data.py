from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

PAD = 0


@dataclass(frozen=True)
class Sequences:
    """Item ids (1-based) of every user, oldest event first."""

    by_user: dict[int, np.ndarray]
    num_items: int

    @classmethod
    def from_events(
        cls, users: np.ndarray, items: np.ndarray, timestamps: np.ndarray, num_items: int
    ) -> Sequences:
        order = np.lexsort((timestamps, users))
        users, items = users[order], items[order].astype(np.int64)
        distinct, starts = np.unique(users, return_index=True)
        by_user = dict(zip(distinct.tolist(), np.split(items, starts[1:])))
        return cls(by_user=by_user, num_items=num_items)

    @classmethod
    def from_csv(cls, path: Path) -> Sequences:
        """Reads ``user_id,item_id,timestamp``; raw ids may be anything hashable."""
        import pandas as pd  # only the command line needs it

        frame = pd.read_csv(path)
        user_codes, _ = pd.factorize(frame["user_id"])
        item_codes, item_index = pd.factorize(frame["item_id"])
        return cls.from_events(user_codes, item_codes + 1, frame["timestamp"].to_numpy(), len(item_index))

    def leave_last_two_out(self) -> tuple[Sequences, dict[int, int], dict[int, int]]:
        """Training sequences, then the validation and the test item of each user with enough history."""
        train: dict[int, np.ndarray] = {}
        valid: dict[int, int] = {}
        test: dict[int, int] = {}
        for user, seq in self.by_user.items():
            if len(seq) < 4:
                train[user] = seq
                continue
            train[user] = seq[:-2]
            valid[user] = int(seq[-2])
            test[user] = int(seq[-1])
        return Sequences(train, self.num_items), valid, test


class NextItemDataset(Dataset[tuple[Tensor, Tensor]]):
    """One training example per user: the newest window, predicted one step ahead at every position."""

    def __init__(self, sequences: Sequences, max_len: int) -> None:
        self.max_len = max_len
        self.rows = [s for s in sequences.by_user.values() if len(s) >= 2]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        window = torch.from_numpy(self.rows[index][-(self.max_len + 1) :])
        return window[:-1], window[1:]


def collate_sequences(batch: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    inputs, targets = zip(*batch)
    return {
        "tokens": pad_right(inputs),
        "targets": pad_right(targets),
        "lengths": torch.tensor([len(x) for x in inputs]),
    }


def pad_right(rows: Iterable[Tensor]) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=PAD)


def left_to_right_padding(histories: np.ndarray, max_len: int) -> tuple[Tensor, Tensor]:
    """Left-padded histories as the platform sends them -> (right-padded tokens, lengths)."""
    rows = [torch.from_numpy(np.ascontiguousarray(h[h != PAD][-max_len:])) for h in histories]
    lengths = torch.tensor([max(len(r), 1) for r in rows])
    return pad_right(rows), lengths
