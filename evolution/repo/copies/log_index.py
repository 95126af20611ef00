"""What a copy of an interaction log is recognised by: which user met which item, and in which order items came.

The index is built once from the log, and kept with the labels: it is one.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Int64, Interactions

GRAM = 4  # so many items in a row: similar items follow each other by chance, so many of them in one order do not
MOST_GRAMS = 4_000_000
_MIX = np.uint64(0x9E3779B97F4A7C15)

Uint64 = NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class Naming:
    """One way to call users and items: a copy may have the log's own ids, or ids from 0 or 1.

    users, items: name -> our id from 1. own: whether these are the log's own names.
    """

    users: dict[str, int]
    items: dict[str, int]
    own: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class LogIndex:
    """user_names, item_names: the log's own ids, entry 0 is "". pairs: rising `_pair_keys` of every event.

    grams: rising `gram_keys` of GRAM items in a row, in the order of users, of the file and of time; of a long log a
    part of them, those whose key is a multiple of `every`. appearances: for each order, the place of every user and
    of every item, from 0, in which they first appear.
    """

    user_names: tuple[str, ...]
    item_names: tuple[str, ...]
    pairs: Int64
    grams: Uint64
    every: int
    appearances: tuple[tuple[Int64, Int64], ...]

    @cached_property
    def namings(self) -> tuple[Naming, ...]:
        """The log's own names, and ids by the names' order and by first appearance, each from 0 and from 1."""
        own = Naming(users=_numbered(self.user_names), items=_numbered(self.item_names), own=True)
        ranks = [(_ranks(self.user_names), _ranks(self.item_names)), *self.appearances]
        made = [
            Naming(users=_from(users, first), items=_from(items, first), own=False)
            for users, items in ranks
            for first in (0, 1)
        ]
        return (own, *made)

    @cached_property
    def name_marks(self) -> str:
        """The characters beside letters, digits and "_" that the log's own names are made of, blanks apart."""
        some = [*self.user_names[1:20_001], *self.item_names[1:20_001]]
        return "".join(
            sorted({c for name in some for c in name if not c.isalnum() and not c.isspace() and c != "_"})
        )

    @cached_property
    def own_numbers(self) -> Int64:
        """The log's own ids that are whole numbers, rising."""
        names = {name for name in (*self.user_names, *self.item_names) if name.isdigit() and len(name) < 19}
        return np.sort(np.array([int(name) for name in names], np.int64))

    def holds(self, users: Int64, items: Int64) -> NDArray[np.bool_]:
        """Whether each user met the item; both are our ids, 0 for unknown, of one shape."""
        keys = _pair_keys(users, items, len(self.item_names))
        return self._pair_set.has(keys) & (users > 0) & (items > 0)

    @cached_property
    def _pair_set(self) -> "_KeySet":
        return _KeySet(self.pairs)

    @cached_property
    def _gram_set(self) -> "_KeySet":
        return _KeySet(self.grams)

    def follows(self, items: Int64, numbers: Int64) -> tuple[int, int]:
        """How many runs of GRAM items stand in `items` (our ids, 0 for unknown), and how many of them are the log's.

        numbers: what stands for each item in the file, where it is a number. Runs that count up are passed over: they
        number lines, and by first appearance also the items of a log.
        """
        keys = gram_keys(items, numbers)
        keys = keys[keys % np.uint64(self.every) == 0]
        return len(keys), int(self._gram_set.has(keys).sum())


def index_of(log: Interactions) -> LogIndex:
    """The index of a whole log, with its held-out events."""
    items, orders = log.items, _orders(log)
    with ThreadPoolExecutor(2) as pool:  # numpy computes without the interpreter's lock
        grams = list(pool.map(lambda order: gram_keys(items[order]), orders))
    every = max(1, -(-sum(map(len, grams)) // MOST_GRAMS))
    kept = [keys[keys % np.uint64(every) == 0] for keys in grams]
    return LogIndex(
        user_names=log.user_names,
        item_names=log.item_names,
        pairs=_distinct(_pair_keys(log.users, items, len(log.item_names))),
        grams=_distinct(np.concatenate(kept)),
        every=every,
        appearances=_appearances(log, orders),
    )


def write_index(index: LogIndex, folder: Path) -> None:
    """All but the names, which are kept with the labels already."""
    np.save(folder / "pairs.npy", index.pairs)
    np.save(folder / "grams.npy", index.grams)
    np.save(folder / "every.npy", np.int64(index.every))
    for name, place in (("users", 0), ("items", 1)):
        np.save(folder / f"{name}.npy", np.stack([ranks[place] for ranks in index.appearances]))


def read_index(folder: Path, user_names: tuple[str, ...], item_names: tuple[str, ...]) -> LogIndex:
    """The index that `write_index` wrote."""
    return LogIndex(
        user_names=user_names,
        item_names=item_names,
        pairs=np.load(folder / "pairs.npy", mmap_mode="r"),
        grams=np.load(folder / "grams.npy", mmap_mode="r"),
        every=int(np.load(folder / "every.npy")),
        appearances=tuple(zip(np.load(folder / "users.npy"), np.load(folder / "items.npy"), strict=True)),
    )


def gram_keys(items: Int64, numbers: Int64 | None = None) -> Uint64:
    """One key for each run of GRAM known items, at least three of them different; of `numbers`, few may count up."""
    if len(items) < GRAM:
        return np.empty(0, np.uint64)
    n = len(items) - GRAM + 1  # runs
    equal = np.zeros(n, np.int8)  # equal pairs within a run; at most one: three different items
    for lag in range(1, GRAM):
        same = items[lag:] == items[:-lag]
        for start in range(GRAM - lag):
            equal += same[start : start + n]
    kept = equal <= 1
    known = items > 0
    for start in range(GRAM):
        kept &= known[start : start + n]
    if numbers is not None:
        steps = np.abs(np.diff(numbers)) == 1
        kept &= np.lib.stride_tricks.sliding_window_view(steps, GRAM - 1).sum(axis=1) < 2
    keys = np.zeros(int(kept.sum()), np.uint64)
    for start in range(GRAM):
        keys = (keys ^ items[start : start + n][kept].astype(np.uint64)) * _MIX
        keys ^= keys >> np.uint64(29)
    return keys


def _orders(log: Interactions) -> list[Int64]:
    """Orders in which a log may be written: by user, as in its file, by time; each (N,) places of events."""
    found = [np.arange(log.n_events)]
    if log.places is not None:
        in_file = np.empty(log.n_events, np.int64)  # the inverse of a permutation, without a sort
        in_file[log.places] = np.arange(log.n_events)
        found.append(in_file)
        if log.timestamps is not None:
            found.append(in_file[np.argsort(log.timestamps[in_file], kind="stable")])
    return found


def _appearances(log: Interactions, orders: list[Int64]) -> tuple[tuple[Int64, Int64], ...]:
    """For each order, and for our own ids where no order gives them, the places in which users and items appear."""
    found = [(np.arange(log.n_users), np.arange(log.n_items))]
    for order in orders:
        ranks = (_first_places(log.users[order], log.n_users), _first_places(log.items[order], log.n_items))
        if not any(all(map(np.array_equal, ranks, known)) for known in found):
            found.append(ranks)
    return tuple(found)


def _first_places(ids: Int64, count: int) -> Int64:
    """ids: from 1. For each of `count` ids how many others appear before it; those without events come last."""
    first = np.full(count + 1, len(ids), np.int64)
    first[ids[::-1]] = np.arange(len(ids))[::-1]  # the last to be written is the first to appear
    ranks = np.empty(count, np.int64)
    ranks[np.argsort(first[1:], kind="stable")] = np.arange(count)
    return ranks


def _distinct(keys: NDArray) -> NDArray:
    """Rising, each once. np.unique takes five times as long for millions of keys."""
    ordered = np.sort(keys)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _pair_keys(users: Int64, items: Int64, width: int) -> Int64:
    return users.astype(np.int64) * width + items


class _KeySet:
    """Rising keys, with a table that says fast of most other keys that they are not among them."""

    def __init__(self, keys: NDArray) -> None:
        self._keys = keys
        bits = min(26, max(10, int(16 * len(keys)).bit_length()))
        self._shift = np.uint64(64 - bits)
        self._marked = np.zeros(1 << bits, np.bool_)
        self._marked[self._places(np.asarray(keys))] = True

    def _places(self, keys: NDArray) -> Uint64:
        return (keys.astype(np.uint64) * _MIX) >> self._shift

    def has(self, keys: NDArray) -> NDArray[np.bool_]:
        """Which keys are among them, in the shape of `keys`."""
        found = self._marked[self._places(keys)]
        likely = keys[found]
        if len(likely):
            places = np.minimum(np.searchsorted(self._keys, likely), len(self._keys) - 1)
            found[found] = self._keys[places] == likely
        return found


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names) if number}


def _from(ranks: Int64, first: int) -> dict[str, int]:
    return {str(rank + first): number for number, rank in enumerate(ranks.tolist(), start=1)}


def _ranks(names: Sequence[str]) -> Int64:
    """The place of each name in the names' order, which is that of numbers where all names are numbers: (n,) from 0."""
    own = list(names[1:])
    numeric = all(name.isascii() and name.isdigit() and len(name) < 19 for name in own)
    values = np.array([int(name) for name in own] if numeric else own)
    ranks = np.empty(len(own), np.int64)
    ranks[np.argsort(values, kind="stable")] = np.arange(len(own))
    return ranks
