"""Rows of candidates beside a history: each column by itself is the event so many places on, or no fixed event at all.

A window may have several targets (the next event, the one after, ...), and negatives beside them in the same look-up.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diagnosis.streams.drawn import Drawn
from diagnosis.streams.log import Log
from diagnosis.streams.relations import CLEAR
from seeds.interactions import Int64

BY = (
    1,
    0,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    -1,
)  # how many events after the newest one that the row shows; ties go to the first
FEWEST = 20  # judged rows of a column


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """by: int64 (W,), how many events on each column's item lies. aimed: bool (W,), columns for which that is clear."""

    by: Int64
    aimed: NDArray[np.bool_]


def target_columns(log: Log, each: Drawn) -> Columns | None:
    """Which columns are targets of a fixed distance; None where the rows are no candidates beside a history."""
    if each.relation is None or not each.relation.aligned.newest or each.view.width < 2:
        return None
    at = each.relation.aligned.places  # (n, W)
    known = (each.items > 0) & (at >= 0)
    best, share = np.ones(at.shape[1], dtype=np.int64), np.zeros(at.shape[1])
    for by in BY:
        there = log.moved(at, by)
        judged = known & (there >= 0)  # towards the end of a history a far target is padding
        right = judged & (log.items[np.maximum(there, 0)] == each.items)
        of = right.sum(axis=0) / np.maximum(judged.sum(axis=0), 1)
        of[judged.sum(axis=0) < FEWEST] = 0.0
        best, share = np.where(of > share + 0.05, by, best), np.maximum(of, share)
    return Columns(by=best, aimed=share >= CLEAR)


def divided(log: Log, each: Drawn) -> list[Drawn] | None:
    """The targets, and the candidates beside them; None where no column or every one is a target."""
    columns = target_columns(log, each)
    if columns is None or not columns.aimed.any():
        return None
    relation = each.relation
    assert relation is not None
    nearest = int(columns.by[columns.aimed].min())
    there = log.moved(relation.aligned.places, 0)
    there = np.where(there >= 0, there + columns.by[None, :], -1)
    inside = columns.aimed[None, :] & (there >= 0) & (there < log.n) & (each.items > 0)
    fits = inside & (log.items[np.where(inside, there, 0)] == each.items)
    targets = replace(
        each,
        items=np.where(columns.aimed, each.items, 0),
        events=np.where(fits, there, -1),
        relation=replace(
            relation,
            by=nearest,
            columns=columns.aimed & (columns.by == nearest),
            items=np.where(columns.aimed & (columns.by == nearest), each.items, 0),
        ),
    )
    if columns.aimed.all():
        return [targets]
    others = replace(
        each,
        items=np.where(columns.aimed, 0, each.items),
        events=np.full(each.events.shape, -1, dtype=np.int64),
        relation=replace(relation, by=None),
    )
    return [targets, others]
