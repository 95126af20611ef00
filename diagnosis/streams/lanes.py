"""Session-parallel batches: one event of each lane a step, (B,), the next event of the same history one step later.

A row stays in its lane from step to step while batches are of one size; where a history ends, another begins in its lane.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from diagnosis.examination import Stream
from diagnosis.streams.decoding import Numbering, Sequence, item_numberings
from diagnosis.streams.locating import Located, locate
from diagnosis.streams.log import Log
from diagnosis.streams.recorded import D0, D1
from diagnosis.streams.time_major import turned
from diagnosis.streams.views import View
from seeds.interactions import Int64

LENGTH = 4  # events in a row that tell a place in the log
FEWEST = 0.5  # of the ids must lie in the log, each after the one of the step before
SAMPLE = 2000  # ids on which a numbering is tried
MOST_ROWS = 4_000_000  # ids that are located, 2.5 s a million


def in_lanes(log: Log, found: list[View], way: Callable[[Stream], int]) -> tuple[Sequence | None, list[View]]:
    """The view of single events that follow one another over steps, as stretches of one event each; None where none does.

    The targets of lanes are lanes as well: what is read has the longest way to the loss, as of whole histories. The views, of
    which those of one row a call, (1, B), are turned.
    """
    flat = [(turned(view) or view) if (view.calls[:, D0] == 1).all() else view for view in found]
    best: list[tuple[View, Sequence]] = []
    for view in flat:
        if view.stream.kind == "index" and view.width == 1 and (view.calls[:, D1] <= 1).all():
            lanes = _lanes(log, view)
            if lanes is not None:
                best.append((view, lanes))
    if not best:
        return None, found
    best.sort(key=lambda pair: (-way(pair[0].stream), pair[0].stream.id, pair[0].ordinal))
    return best[0][1], flat


def _lanes(log: Log, view: View) -> Sequence | None:
    order, follows = _by_lane(view)
    if len(order) < SAMPLE // 10 or len(order) > MOST_ROWS:
        return None
    for numbering in item_numberings(log, view.stream.rows):
        items = numbering.decode(view.ids[:, 0], log.n_items)[order]
        some = slice(0, SAMPLE)
        if (_places(log, items[some], follows[some]) >= 0).mean() >= FEWEST:
            places = np.full(len(view.ids), -1, dtype=np.int64)
            places[order] = _places(log, items, follows)
            if (places >= 0).mean() >= FEWEST:
                return _of_single(log, view, numbering, places)
    return None


def _by_lane(view: View) -> tuple[Int64, NDArray[np.bool_]]:
    """Indices of the rows, lane after lane, and whether each follows the one before it in its lane."""
    sizes = view.calls[:, D0].astype(np.int64)
    first = np.concatenate([[0], np.cumsum(sizes)])
    begins = np.flatnonzero(np.concatenate([[True], sizes[1:] != sizes[:-1]]))
    parts, follows = [], []
    for begin, end in zip(begins, [*begins[1:], len(sizes)], strict=True):
        rows = np.arange(first[begin], first[end]).reshape(end - begin, sizes[begin]).T  # (lanes, steps)
        parts.append(rows.reshape(-1))
        follows.append(np.broadcast_to(np.arange(rows.shape[1]) > 0, rows.shape).reshape(-1))
    if not parts:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    return np.concatenate(parts), np.concatenate(follows)


def _places(log: Log, items: Int64, follows: NDArray[np.bool_]) -> Int64:
    """The place in the log of each item of lanes one after the other, -1 where no LENGTH of them around it are one stretch."""
    n = len(items)
    places = np.full(n, -1, dtype=np.int64)
    if n < LENGTH:
        return places
    windows = np.lib.stride_tricks.sliding_window_view(items, LENGTH)
    whole = np.lib.stride_tricks.sliding_window_view(follows, LENGTH)[:, 1:].all(axis=1) & (windows > 0).all(
        axis=1
    )
    begins = np.flatnonzero(whole)
    located = locate(log, windows[begins])
    at = located.places(log, LENGTH)
    exact = (at >= 0).all(axis=1) & ~located.unsure
    exact &= (log.items[np.maximum(at, 0)] == windows[begins]).all(axis=1)
    for column in range(LENGTH):
        places[begins[exact] + column] = at[exact, column]
    return places


def _of_single(log: Log, view: View, numbering: Numbering, places: Int64) -> Sequence:
    there = places >= 0
    located = Located(
        start=np.maximum(places, 0),
        found=there,
        user=np.where(there, log.users[np.maximum(places, 0)], 0),
        unsure=~there,
        reversed=False,
    )
    items = numbering.decode(view.ids, log.n_items)
    return Sequence(view=view, numbering=numbering, items=items, located=located, places=places[:, None])
