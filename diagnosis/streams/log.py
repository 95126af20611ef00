"""The training log as look-ups: which user met which item, where, and where a few items follow one another."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Int64, Interactions

Bool = NDArray[np.bool_]
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that hashes of different items differ at every place


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """All k events in a row of one user, by hash: `places[left:right]` of `keys` are where a hash occurs."""

    keys: NDArray[np.uint64]
    places: Int64


class Log:
    """Look-ups in the training events; a place is an index into them."""

    def __init__(self, training: Interactions) -> None:
        self.training = training
        self.users, self.items, self.offsets = training.users, training.items, training.offsets
        self.n_users, self.n_items, self.n = training.n_users, training.n_items, training.n_events
        self._windows: dict[int, Windows] = {}

    @cached_property
    def lengths(self) -> Int64:
        """Events of each user: int64 (n_users + 1,)."""
        return np.diff(self.offsets)

    @cached_property
    def counts(self) -> Int64:
        """Events of each item: int64 (n_items + 1,)."""
        return np.bincount(self.items, minlength=self.n_items + 1)

    @cached_property
    def from_end(self) -> Int64:
        """How many events of the same user come after each: int64 (N,), 0 for the newest."""
        return self.offsets[self.users + 1] - 1 - np.arange(self.n)

    @cached_property
    def from_start(self) -> Int64:
        """How many events of the same user come before each: int64 (N,)."""
        return np.arange(self.n) - self.offsets[self.users]

    @cached_property
    def _pairs(self) -> tuple[Int64, Int64]:
        keys = self.key(self.users, self.items)
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    @cached_property
    def distinct(self) -> Int64:
        """Different items of each user: int64 (n_users + 1,)."""
        keys = different(self._pairs[0])
        return np.bincount(keys // (self.n_items + 1), minlength=self.n_users + 1)

    def key(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> Int64:
        """One number for each (user, item)."""
        return users.astype(np.int64) * (self.n_items + 1) + items

    def met(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> Bool:
        """Whether each user has a training event with the item beside him; False where either id is none."""
        keys, _ = self._pairs
        wanted = self.key(users, items)
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1) if len(keys) else None
        if at is None:
            return np.zeros(np.shape(wanted), dtype=bool)
        return (keys[at] == wanted) & self.is_user(users) & self.is_item(items)

    def count_of(self, user: int, items: NDArray[np.integer]) -> Int64:
        """How many events one user has with each item."""
        own = self.items[self.offsets[user] : self.offsets[user + 1]]
        return np.bincount(own, minlength=self.n_items + 1)[items]

    def event(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> Int64:
        """The place of each user's first event with the item, -1 if he has none."""
        keys, order = self._pairs
        if not len(keys):
            return np.full(np.shape(users), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(keys, self.key(users, items)), len(keys) - 1)
        return np.where(self.met(users, items), order[at], -1)

    def is_item(self, ids: NDArray[np.integer]) -> Bool:
        """Which ids are of items."""
        return (ids >= 1) & (ids <= self.n_items)

    def is_user(self, ids: NDArray[np.integer]) -> Bool:
        """Which ids are of users."""
        return (ids >= 1) & (ids <= self.n_users)

    def moved(self, places: Int64, by: int) -> Int64:
        """Places of the events `by` later of the same user, -1 where there is none."""
        there = places + by
        inside = (places >= 0) & (there >= 0) & (there < self.n)
        there = np.where(inside, there, 0)
        same = inside & (self.users[there] == self.users[np.maximum(places, 0)])
        return np.where(same, there, -1)

    def windows(self, k: int) -> Windows:
        """The index of all k events in a row of one user."""
        if k not in self._windows:
            starts = np.flatnonzero(self.from_end >= k - 1)
            keys = hashed(self.items, starts, k)
            order = np.argsort(keys, kind="stable")
            self._windows[k] = Windows(keys=keys[order], places=starts[order])
        return self._windows[k]


def different(values: NDArray[np.integer]) -> NDArray[np.integer]:
    """The different values, sorted. numpy's own `unique` takes several times as long for millions."""
    ordered = np.sort(values, axis=None)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def common(one: NDArray[np.integer], other: NDArray[np.integer]) -> int:
    """How many of the sorted different values of `one` are among those of `other`."""
    if not len(other):
        return 0
    at = np.minimum(np.searchsorted(other, one), len(other) - 1)
    return int((other[at] == one).sum())


def hashed(flat: NDArray[np.integer], starts: NDArray[np.integer], k: int) -> NDArray[np.uint64]:
    """A hash of the k entries of `flat` from each start on."""
    total = np.zeros(np.shape(starts), dtype=np.uint64)
    for j in range(k):
        total = total * _BASE + flat[starts + j].astype(np.uint64) + np.uint64(1)
        total ^= total >> np.uint64(29)
    return total
