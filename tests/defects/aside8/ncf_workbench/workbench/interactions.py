"""Interaction tables, the leave-one-out protocol and its candidate lists."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np


@dataclass
class Interactions:
    """Users and items are consecutive, from 0. Rows are ordered by user, then time."""

    users: np.ndarray
    items: np.ndarray
    times: np.ndarray
    num_users: int
    num_items: int

    def __len__(self) -> int:
        return len(self.users)

    @classmethod
    def from_csv(cls, path: str) -> Interactions:
        with open(path, newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        user_ids, users = np.unique([r["user_id"] for r in rows], return_inverse=True)
        item_ids, items = np.unique([r["item_id"] for r in rows], return_inverse=True)
        times = np.array([int(r["timestamp"]) for r in rows], dtype=np.int64)
        order = np.lexsort((times, users))
        return cls(users[order], items[order], times[order], len(user_ids), len(item_ids))

    def take(self, rows: np.ndarray) -> Interactions:
        return Interactions(
            self.users[rows], self.items[rows], self.times[rows], self.num_users, self.num_items
        )

    def membership(self) -> np.ndarray:
        """(num_users, num_items) bool: who has interacted with what."""
        known = np.zeros((self.num_users, self.num_items), dtype=bool)
        known[self.users, self.items] = True
        return known


def leave_one_out(log: Interactions) -> tuple[Interactions, Interactions, Interactions]:
    """Everybody's newest interaction is for testing, the one before for validation."""
    newest_first = np.lexsort((-log.times, log.users))
    users = log.users[newest_first]
    place = np.arange(len(log)) - np.searchsorted(users, users)
    enough = np.bincount(log.users, minlength=log.num_users)[users] > 3
    test = newest_first[enough & (place == 0)]
    valid = newest_first[enough & (place == 1)]
    train = np.sort(newest_first[~enough | (place > 1)])
    return log.take(train), log.take(valid), log.take(test)


def candidate_lists(log: Interactions, held_out: Interactions, num: int, seed: int) -> np.ndarray:
    """(len(held_out), 1 + num) items: the target among `num` that its user has not interacted with.

    The target's column is random, the other columns are distinct. Made once per experiment.
    """
    rng = np.random.default_rng(seed)
    known = log.membership()
    lists = np.empty((len(held_out), 1 + num), dtype=np.int64)
    for row, (user, target) in enumerate(zip(held_out.users, held_out.items)):
        fresh = np.flatnonzero(~known[user])
        lists[row] = rng.permutation(np.append(rng.choice(fresh, size=num, replace=False), target))
    return lists
