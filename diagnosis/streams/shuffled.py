"""Finds positives that are the right items beside the wrong users: their counts are the log's, their pairs are chance."""

from collections.abc import Iterator

import numpy as np

from diagnosis.streams.decoding import Numbering, Sequence, item_numberings, user_numberings
from diagnosis.streams.drawn import Drawn, own_share
from diagnosis.streams.log import Log
from diagnosis.streams.views import View
from seeds.interactions import Int64

CLOSE = 0.25  # of the difference that two draws from one distribution would have


def same_counts(counted: Int64, expected: Int64) -> bool:
    """Whether counts are those expected, far closer than a draw from the same distribution would come."""
    total, wanted = counted.sum(), expected.sum()
    if total < 200 or not 0.98 <= total / max(wanted, 1) <= 1.02:
        return False
    by_chance = np.sqrt(2 * expected / np.pi).sum()
    return bool(np.abs(counted - expected).sum() < CLOSE * by_chance)


def next_items(log: Log, inputs: Sequence) -> Int64:
    """How often each item follows an event that was put in: int64 (n_items + 1,)."""
    there = log.moved(np.where(inputs.items > 0, inputs.places, -1), 1)
    return np.bincount(log.items[there[there >= 0]], minlength=log.n_items + 1)


def all_next_items(log: Log) -> Int64:
    """How often each item follows another event of the same user: int64 (n_items + 1,)."""
    return np.bincount(log.items[log.from_start > 0], minlength=log.n_items + 1)


def shuffled(log: Log, inputs: Sequence | None, epochs: int, each: Drawn) -> bool:
    """Whether the items are those that should be aimed at, each beside a user or event that it does not belong to."""
    counted = np.bincount(each.items.reshape(-1), minlength=log.n_items + 1)
    counted[0] = 0
    if inputs is None:
        return same_counts(counted, log.counts * epochs)
    return same_counts(counted, next_items(log, inputs)) or same_counts(counted, all_next_items(log) * epochs)


def users_of_all_events(log: Log, found: list[View], epochs: int) -> tuple[View, Numbering] | None:
    """A view of users, each as often as he has events."""
    for view in found:
        if view.width != 1 or view.stream.kind != "index":
            continue
        for numbering in user_numberings(log, view.stream.rows):
            users = numbering.decode(view.ids[:, 0], log.n_users)
            counted = np.bincount(users, minlength=log.n_users + 1)
            if same_counts(counted[1:], (log.lengths * epochs)[1:]):
                return view, numbering
    return None


def beside(log: Log, user_view: View, numbering: Numbering, found: list[View]) -> Iterator[Drawn]:
    """Every other view of as many rows, its ids read by the size of its table."""
    users = numbering.decode(user_view.ids[:, 0], log.n_users)
    for view in found:
        if view is user_view or not user_view.same_rows(view):
            continue
        read = next(item_numberings(log, view.stream.rows))
        items = read.decode(view.ids, log.n_items)
        own, chance = own_share(log, users, items)
        yield Drawn(
            view=view,
            numbering=read,
            items=items,
            users=users,
            own=own,
            chance=chance,
            relation=None,
            events=np.full(items.shape, -1, dtype=np.int64),
        )
