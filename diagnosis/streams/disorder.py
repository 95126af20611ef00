"""Rows that hold one user's events, but not in the order of time."""

from dataclasses import dataclass

import numpy as np

from diagnosis.streams.decoding import Numbering, item_numberings
from diagnosis.streams.draws import Draws
from diagnosis.streams.log import Log
from diagnosis.streams.reading import Read
from diagnosis.streams.recorded import STEP
from diagnosis.streams.views import NOTHING, View, views
from seeds.interactions import Int64

SAMPLE = 200  # rows
LEAST_ROWS, LEAST_EVENTS = 20, 5
OF_ONE_USER = 0.6  # of the rows hold events of one user alone
SHIFTED = 0.9  # of the places aim at what stands at the next one
MASKS = 3  # ids, of those that are read most often, that may be the mask
MOST_PAIRS = 200_000_000  # of users and items of a row
LEAST_USERS = 20
MOST_OF = (
    0.8  # of the events that are no target are their users' first by id, and of these most are no target
)
IN_TIME = 0.5  # of users whose first event by id is their first or last in time, ids tell nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class Disorder:
    """view: the rows put in. rows: how many were understood. later: the share of events that come after the one before them
    in the row. by_id: the share of them whose id is no smaller than that of the one before."""

    view: View
    rows: int
    later: float
    by_id: float


def disorder(seen: Read) -> Disorder | None:
    """What the first rows say that aim at the event beside each place, or at those that they hide; None where there are none."""
    log = seen.log
    whole = [
        view
        for stream in seen.watched.streams
        for view in views(stream)
        if stream.kind in ("index", "target")
    ]
    for view in whole:
        stream = view.stream
        if stream.kind != "index" or view.width < LEAST_EVENTS or stream.rows < log.n_items - 2:
            continue
        if not any(_is_next(view, other) or _is_hidden(view, other) for other in whole if other is not view):
            continue
        found = next((one for by in item_numberings(log, stream.rows) if (one := _of(log, view, by))), None)
        if found is not None:
            return found
    return None


def _is_next(view: View, other: View) -> bool:
    """Whether another look-up of the same size holds at each place what stands at the next one."""
    if len(view.calls) != len(other.calls) or (view.sizes != other.sizes).any():
        return False
    here, there = view.ids[view.ids != NOTHING], other.ids[other.ids != NOTHING]
    both = (here[1:] > 0) & (there[:-1] > 0)
    return (
        len(here) == len(there)
        and both.sum() >= LEAST_ROWS
        and bool((here[1:] == there[:-1])[both].mean() >= SHIFTED * (1 - 1 / view.width))
    )


def _is_hidden(view: View, other: View) -> bool:
    """Whether another look-up holds as many classes in each call as the rows hold of one id: a mask, and what it hides."""
    if other.stream.kind != "target" or len(view.calls) != len(other.calls):
        return False
    if (view.calls[:, STEP] != other.calls[:, STEP]).any():
        return False
    there = (other.ids != NOTHING) & (other.ids != other.stream.ignore) & (other.ids > 0)
    aimed = np.bincount(other.call, weights=there.sum(axis=1), minlength=len(view.calls))
    values, counts = np.unique(view.ids[view.ids > 0], return_counts=True)
    for mask in values[counts.argsort()[::-1][:MASKS]]:
        of_call = np.bincount(view.call, weights=(view.ids == mask).sum(axis=1), minlength=len(view.calls))
        if aimed.sum() >= LEAST_ROWS and (of_call == aimed).mean() >= SHIFTED:
            return True
    return False


def _of(log: Log, view: View, by: Numbering) -> Disorder | None:
    chosen = np.unique(np.linspace(0, len(view.ids) - 1, SAMPLE).astype(np.int64))
    if log.n_users * view.width * len(chosen) > MOST_PAIRS:
        chosen = chosen[:: log.n_users * view.width * len(chosen) // MOST_PAIRS + 1]
    pairs, judged, understood = [], 0, 0
    for row in by.decode(view.ids[chosen], log.n_items):
        items = row[row > 0]
        if len(np.unique(items)) < LEAST_EVENTS:
            continue
        judged += 1
        places = _places(log, items)
        if places is not None:
            understood += 1
            once = log.count_of(int(log.users[int(places[0])]), items) == 1
            kept, ids = places[once], items[once]
            pairs.append(np.stack([kept[1:] > kept[:-1], ids[1:] >= ids[:-1]]))
    if understood < LEAST_ROWS or understood < OF_ONE_USER * judged:
        return None
    both = np.concatenate(pairs, axis=1)
    if both.shape[1] < LEAST_ROWS:
        return None
    return Disorder(view=view, rows=understood, later=float(both[0].mean()), by_id=float(both[1].mean()))


def _places(log: Log, items: Int64) -> Int64 | None:
    """Where the one user's events lie who met all of these items; None where nobody or several did."""
    everybody = np.arange(1, log.n_users + 1)
    met = log.met(everybody[:, None], np.unique(items)[None, :]).all(axis=1)
    users = everybody[met]
    return log.event(np.full(len(items), users[0]), items) if len(users) == 1 else None


def later_by_id(log: Log, drawn: Draws) -> float | None:
    """Of histories in the order of their items' ids, the share of events that come after the one before them in time.

    Such histories show where targets are what follows: the one event of each user that never is a target is not his first in
    time but the one with the lowest id, or the highest. None where that is not so.
    """
    by_id = np.lexsort((log.items, log.users))
    users = np.flatnonzero(log.lengths > 1)
    ends = by_id[log.offsets[users]], by_id[log.offsets[users + 1] - 1]
    if not any(_are_left_out(log, drawn, first) for first in ends):
        return None
    same = log.users[by_id][1:] == log.users[by_id][:-1]
    return float((np.diff(by_id) > 0)[same].mean())


def _are_left_out(log: Log, drawn: Draws, events: Int64) -> bool:
    in_time = (log.from_start[events] == 0) | (log.from_end[events] == 0)
    if len(events) < LEAST_USERS or in_time.mean() > IN_TIME:
        return False
    possible = drawn.possible[events]
    left_out = int(drawn.missed[events].sum())
    return left_out >= LEAST_USERS and left_out > MOST_OF * max(drawn.missed.sum(), possible.sum())
