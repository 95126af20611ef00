"""Settings that leave events out: a least rating, which of repeated events stay, and a k-core. Pure numpy."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seeds.assembly import Events
from seeds.interactions import Int64
from seeds.loading.options import Options


def filtered(events: Events, options: Options) -> tuple[Events, tuple[tuple[str, int], ...]]:
    """The events that stay, in their order, and how many each setting has left out; () where none has."""
    found: list[tuple[str, int]] = []
    for reason, keep in (
        (f"rated below data.min_rating = {options.min_rating:g}, or not rated", _rated),
        (f'of an item that the user had met, as data.repeats = "{options.repeats}" says', _distinct),
        (f"of users and items with fewer than data.core = {options.core} events", _in_core),
    ):
        kept = keep(events, options)
        if not kept.all():
            found.append((reason, int((~kept).sum())))
            events = chosen(events, kept)
    return events, tuple(found)


def chosen(events: Events, kept: NDArray[np.bool_]) -> Events:
    """The events that are marked, in their order."""
    return replace(
        events,
        users=events.users[kept],
        items=events.items[kept],
        order=events.order[kept],
        timestamps=None if events.timestamps is None else events.timestamps[kept],
        ratings=None if events.ratings is None else events.ratings[kept],
        parts=None if events.parts is None else events.parts[kept],
    )


def _rated(events: Events, options: Options) -> NDArray[np.bool_]:
    everything = np.ones(len(events.users), bool)
    if options.min_rating == -np.inf or events.ratings is None:
        return everything
    return events.ratings >= np.float32(options.min_rating)  # NaN is not


def _distinct(events: Events, options: Options) -> NDArray[np.bool_]:
    kept = np.ones(len(events.users), bool)
    if options.repeats == "keep" or not len(kept):
        return kept
    pairs = events.users * np.int64(events.items.max() + 1) + events.items
    parts = np.zeros(len(pairs), np.uint8) if events.parts is None else events.parts
    by_pair = np.lexsort((events.order, parts, pairs))  # stable: ties keep the file's order
    again = pairs[by_pair][1:] == pairs[by_pair][:-1]
    left_out = by_pair[1:][again] if options.repeats == "first" else by_pair[:-1][again]
    kept[left_out] = False
    return kept


def _in_core(events: Events, options: Options) -> NDArray[np.bool_]:
    """Leaves users and items out until each that stays has `core` events."""
    kept = np.ones(len(events.users), bool)
    while options.core > 1:
        before = int(kept.sum())
        for ids in (events.users, events.items):
            kept &= _counts(ids, kept)[ids] >= options.core
        if int(kept.sum()) == before:
            break
    return kept


def _counts(ids: Int64, kept: NDArray[np.bool_]) -> Int64:
    return np.bincount(ids[kept], minlength=int(ids.max()) + 1 if len(ids) else 1)
