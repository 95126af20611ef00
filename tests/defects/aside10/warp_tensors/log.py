"""A log of events as arrays, and what is drawn from it."""
from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Iterator

import numpy as np


@dataclass(frozen=True)
class Log:
    """Events by user and, within a user, by time. place: how many events of the user come before."""

    users: np.ndarray
    items: np.ndarray
    place: np.ndarray

    @classmethod
    def of(cls, pairs: list[tuple[int, int]]) -> Log:
        users, items = np.array(pairs, dtype=np.int64).T
        start = np.searchsorted(users, users)
        return cls(users, items, np.arange(len(users)) - start)

    def __len__(self) -> int:
        return len(self.users)

    def where(self, mask: np.ndarray) -> Log:
        return Log.of(list(zip(self.users[mask], self.items[mask])))

    def before(self, at: np.ndarray, n: int) -> np.ndarray:
        """The n events before each of the events `at`: (B, n), newest first, 0 where there are fewer"""
        back = np.arange(1, n + 1)
        there = back <= self.place[at][:, None]
        return np.where(there, self.items[np.where(there, at[:, None] - back, 0)], 0)


def read_log(path: str) -> tuple[Log, list[str]]:
    """Lines user,YYYY-MM-DD,item; events of one day come in the order in which they happened"""
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    rows = []
    with open(path) as file:
        for user, day, item in csv.reader(file):
            u = users.setdefault(user, len(users) + 1)
            i = items.setdefault(item, len(items) + 1)
            rows.append((u, date.fromisoformat(day), i))
    rows.sort(key=itemgetter(0, 1))
    return Log.of([(u, i) for u, _, i in rows]), list(items)


def last_out(log: Log) -> tuple[Log, np.ndarray]:
    """The log without each user's last event, and where these events are in it"""
    last = np.flatnonzero(np.diff(log.users, append=0))
    last = last[log.place[last] >= 3]
    mask = np.ones(len(log), dtype=bool)
    mask[last] = False
    return log.where(mask), last


@dataclass
class Rivals:
    """Draws items of the log that a user has not bought"""

    bought: np.ndarray
    known: np.ndarray
    rng: np.random.Generator

    @classmethod
    def of(cls, log: Log, n_users: int, n_items: int, rng: np.random.Generator) -> Rivals:
        bought = np.zeros((n_users + 1, n_items + 1), dtype=bool)
        bought[log.users, log.items] = True
        return cls(bought, np.unique(log.items), rng)

    def draw(self, users: np.ndarray, n: int) -> np.ndarray:
        drawn = self.rng.choice(self.known, size=(len(users), n))
        for _ in range(50):
            again = self.bought[users[:, None], drawn]
            if not again.any():
                break
            drawn[again] = self.rng.choice(self.known, size=again.sum())
        return drawn


@dataclass(frozen=True)
class Batch:
    users: np.ndarray  # (B,)
    past: np.ndarray  # (B, n_past)
    good: np.ndarray  # (B,)
    bad: np.ndarray  # (B, n_rivals)


def batches(log: Log, rivals: Rivals, n_past: int, n_rivals: int, size: int) -> Iterator[Batch]:
    """Every event once, in random order"""
    order = rivals.rng.permutation(len(log))
    for at in np.array_split(order, max(1, len(order) // size)):
        users = log.users[at]
        yield Batch(users, log.before(at, n_past), log.items[at], rivals.draw(users, n_rivals))
