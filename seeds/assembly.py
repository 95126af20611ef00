"""From unsorted events to `Interactions`: order, offsets and what is computed of items. Pure numpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Float32, Int64, Interactions, ItemColumns


@dataclass(frozen=True, kw_only=True, eq=False)
class Events:
    """Events in file order. users, items: int64 (N,) dense from 1. order: (N,) what to sort by within a user.

    timestamps: int64 seconds (N,) or None. ratings: float32 (N,) or None.
    parts: uint8 (N,), which part of the source's own split an event belongs to, or None.
    """

    users: Int64
    items: Int64
    order: NDArray[Any]
    timestamps: Int64 | None
    ratings: Float32 | None
    parts: NDArray[np.uint8] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemFacts:
    """What a source says of items, as `ItemColumns` without what is computed from events."""

    title: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    price: Float32
    store: tuple[str, ...]
    other: Mapping[str, tuple[str, ...] | Float32] = field(default_factory=dict)


def no_facts(n_items: int) -> ItemFacts:
    """A source that knows items only by id."""
    return ItemFacts(
        title=("",) * (n_items + 1),
        categories=((),) * (n_items + 1),
        price=np.full(n_items + 1, np.nan, np.float32),
        store=("",) * (n_items + 1),
    )


def assemble(
    events: Events, facts: ItemFacts, *, user_names: tuple[str, ...], item_names: tuple[str, ...]
) -> Interactions:
    """Sort by user, then part, then `order`, then file order (a stable sort), and compute offsets and average ratings."""
    n_users, n_items = len(user_names) - 1, len(item_names) - 1
    by_time = _by_user_and_time(events)
    users, items = events.users[by_time], events.items[by_time]
    ratings = None if events.ratings is None else events.ratings[by_time]
    return Interactions(
        users=users,
        items=items,
        timestamps=None if events.timestamps is None else events.timestamps[by_time],
        ratings=ratings,
        offsets=user_offsets(users, n_users),
        n_users=n_users,
        n_items=n_items,
        item_columns=ItemColumns(
            title=facts.title,
            categories=facts.categories,
            price=facts.price,
            store=facts.store,
            average_rating=average_ratings(items, ratings, n_items),
            other=facts.other,
        ),
        user_names=user_names,
        item_names=item_names,
        places=by_time,
        parts=None if events.parts is None else events.parts[by_time],
    )


def _by_user_and_time(events: Events) -> Int64:
    """The places of events by user, part and order, ties as in the file: int64 (N,)."""
    parts = np.zeros(1, np.uint8) if events.parts is None else events.parts
    if len(events.users) and events.order.dtype.kind == "i":
        low, groups = int(events.order.min()), int(parts.max()) + 1
        span = int(events.order.max()) - low + 1
        if (
            int(events.users.max()) + 1
        ) * groups * span < 2**63:  # one sort of one number takes a third of the time
            return np.argsort((events.users * groups + parts) * span + (events.order - low), kind="stable")
    keys = (
        (events.order, events.users) if events.parts is None else (events.order, events.parts, events.users)
    )
    return np.lexsort(keys)  # stable as well


def user_offsets(users: Int64, n_users: int) -> Int64:
    """Where each user's events begin in a log sorted by user: int64 (n_users + 2,)."""
    counts = np.bincount(users, minlength=n_users + 1)
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def average_ratings(items: Int64, ratings: Float32 | None, n_items: int) -> Float32:
    """Mean rating of each item: float32 (n_items + 1,), NaN where unrated."""
    average = np.full(n_items + 1, np.nan, np.float32)
    if ratings is None:
        return average
    rated = ~np.isnan(ratings)
    counts = np.bincount(items[rated], minlength=n_items + 1)
    sums = np.bincount(items[rated], weights=ratings[rated], minlength=n_items + 1)
    average[counts > 0] = sums[counts > 0] / counts[counts > 0]
    return average
