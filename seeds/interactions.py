"""The events of a recommender as arrays, from loading through splitting to the worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from seeds.log_report import LogReport

Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemColumns:
    """Known facts about items. Every sequence has n_items + 1 entries; entry 0 is padding ("" / () / NaN).

    title: "" if unknown
    categories: broad to narrow, () if unknown
    price: float32, NaN if unknown
    store: "" if unknown
    average_rating: float32, computed from these events, NaN if unrated
    other: further columns of the source, as strings or float32
    """

    title: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    price: Float32
    store: tuple[str, ...]
    average_rating: Float32
    other: Mapping[str, tuple[str, ...] | Float32] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Interactions:
    """Events sorted by user, then time, then file order. Ids run from 1; 0 is padding.

    users, items: int64 (N,)
    timestamps: int64 seconds (N,), None if the source has only an order
    ratings: float32 (N,) or None
    offsets: int64 (n_users + 2,); user u's events are `offsets[u]:offsets[u + 1]`
    user_names, item_names: the source's own ids, entry 0 is ""
    places: int64 (N,), the place of each event in the source's file; None once events are held out
    parts: uint8 (N,), which part of the source's own split an event belongs to (0 training, 1 validation, 2 test); such a
        log is sorted by user, then part, then time. None where the source divides nothing, and once events are held out
    candidates: part -> user -> items (n,) that the held-out one is ranked among in sampled metrics, where the source says so
    report: what the source is like and what was left out; None for what no file holds
    """

    users: Int64
    items: Int64
    timestamps: Int64 | None
    ratings: Float32 | None
    offsets: Int64
    n_users: int
    n_items: int
    item_columns: ItemColumns
    user_names: tuple[str, ...]
    item_names: tuple[str, ...]
    places: Int64 | None = None
    parts: NDArray[np.uint8] | None = None
    candidates: Mapping[int, Mapping[int, Int64]] = field(default_factory=dict)
    report: "LogReport | None" = None

    def history(self, user: int) -> Int64:
        """Items of one user, oldest first: int64 (n_events_of_user,)."""
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    @property
    def n_events(self) -> int:
        """The number of events."""
        return len(self.users)


@dataclass(frozen=True, kw_only=True, eq=False)
class Questions:
    """The question "What comes next for this user?", once per user of a split.

    users: int64 (Q,)
    items, offsets: question q's history, oldest first, is `items[offsets[q]:offsets[q +
        1]]`; offsets is int64 (Q + 1,)
    targets: int64 (Q,), the labels, which never leave the job
    candidates: int64 (Q, n), what the source wants each target ranked among in sampled metrics, the target itself not among
        them and 0 where there are fewer; None where it says nothing
    """

    users: Int64
    items: Int64
    offsets: Int64
    targets: Int64
    candidates: Int64 | None = None

    def __len__(self) -> int:
        return len(self.users)

    def history(self, q: int) -> Int64:
        """Items of question q's history, oldest first: int64 (n_events_in_history,)."""
        return self.items[self.offsets[q] : self.offsets[q + 1]]
