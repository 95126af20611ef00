"""One look-up of several things one after the other: as many targets as there are positions, then negatives for all of them."""

from collections.abc import Iterator

import numpy as np

from diagnosis.streams.decoding import Sequence
from diagnosis.streams.log import Log
from diagnosis.streams.recorded import D0, D1, OFFSET, STEP
from diagnosis.streams.relations import Relation, packings, relate
from diagnosis.streams.views import View, view_of
from seeds.interactions import Int64


def targets_and_rest(log: Log, inputs: Sequence, view: View) -> tuple[Relation, View] | None:
    """The part of each call that lies beside the positions put in, and the others; None where it is no such look-up."""
    if view.width != 1 or len(view.calls) != len(inputs.view.calls):
        return None
    if (view.calls[:, STEP] != inputs.view.calls[:, STEP]).any():
        return None
    for counts in _counts(log, inputs):
        more = view.sizes - counts
        if len(more) < 3 or more.min() < 1 or np.ptp(more) > 0:
            continue
        for begin in (np.zeros_like(more), more):  # targets come first, or last
            relation = relate(log, inputs, _cut(view, begin, counts))
            if relation is not None and relation.by is not None:
                return relation, _cut(view, counts - np.where(begin > 0, counts, 0), more)
    return None


def _counts(log: Log, inputs: Sequence) -> Iterator[Int64]:
    """How many targets a call may have: one for a row, one for an entry, one for each event that a mask leaves."""
    yield inputs.view.calls[:, D0].astype(np.int64)
    yield inputs.view.sizes
    yield from (counts for _, counts in packings(log, inputs))


def _cut(view: View, begin: Int64, size: Int64) -> View:
    calls = view.calls.copy()
    calls[:, OFFSET] += begin.astype(np.int32)
    calls[:, D0], calls[:, D1] = size, -1
    return view_of(view.stream, calls, view.ordinal)
