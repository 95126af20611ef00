"""Where rows or targets run over from one user's events into the next one's, as a log cut without regard to users gives."""

from dataclasses import dataclass

import numpy as np

from diagnosis.streams.decoding import Sequence
from diagnosis.streams.drawn import Drawn
from diagnosis.streams.log import Log
from seeds.interactions import Int64

FEWEST = 20  # places at a border between users


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """At a border between two users' events: how often what stands there is the neighbour's event, of how many."""

    crossed: int
    borders: int

    @property
    def share(self) -> float:
        """Of the borders, those that are crossed."""
        return self.crossed / max(self.borders, 1)


def targets_cross(log: Log, each: Drawn) -> Crossing | None:
    """Targets beside a user's newest event, which has no next one: whether they are the first event of another user."""
    if each.relation is None or each.relation.by != 1:
        return None
    at = each.relation.aligned.places
    newest = (at >= 0) & (log.from_end[np.maximum(at, 0)] == 0)
    newest &= each.relation.columns[None, :]
    after = np.minimum(at + 1, log.n - 1)
    crossed = newest & (each.relation.items > 0) & (log.items[after] == each.relation.items)
    return _crossing(crossed.sum(), newest.sum())


def inputs_cross(log: Log, inputs: Sequence, each: Drawn) -> Crossing | None:
    """Inputs before a user's first event: whether they are the last events of another user."""
    if inputs.view.width == 1:
        return _previous(log, inputs, each)
    if inputs.located.reversed:
        return None
    found = inputs.located.found
    columns = np.arange(inputs.view.width)[None, :]
    at = inputs.located.start[:, None] + columns
    first = log.offsets[inputs.located.user][:, None]
    outside = found[:, None] & (at < first) & (at >= 0)
    there = inputs.items > 0
    same = outside & there & (log.items[np.where(outside, at, 0)] == inputs.items)
    begins = outside.any(axis=1)
    return _crossing((same.any(axis=1) & begins).sum(), begins.sum())


def _previous(log: Log, inputs: Sequence, each: Drawn) -> Crossing | None:
    """The item before, beside a target that is a user's first event: there is none."""
    if each.relation is None or each.relation.by != 1 or len(each.items) != len(inputs.items):
        return None
    item = each.items.max(axis=1)
    event = log.event(each.users, item)
    first = (event >= 0) & (log.from_start[np.maximum(event, 0)] == 0)
    before: Int64 = np.maximum(event - 1, 0)
    shown = first & (inputs.items[:, 0] > 0) & (event > 0)
    crossed = shown & (log.items[before] == inputs.items[:, 0])
    return _crossing(crossed.sum(), (first & (event > 0)).sum())


def _crossing(crossed: np.integer, borders: np.integer) -> Crossing | None:
    return Crossing(crossed=int(crossed), borders=int(borders)) if borders >= FEWEST else None
