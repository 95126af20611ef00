"""Batches whose first axis is time, (T, B): turned so that a row is a history, and flat views matched in their order."""

from dataclasses import replace

import numpy as np

from diagnosis.examination import Int32
from diagnosis.streams.recorded import D0, D1, OFFSET
from diagnosis.streams.views import NOTHING, View, view_of
from seeds.interactions import Int64


def turned(view: View) -> View | None:
    """The view with rows and columns of every call exchanged; None where a call is no table."""
    if view.width < 2 or (view.calls[:, D1] < 1).any():
        return None
    order = turned_order(view.calls)
    calls = view.calls.copy()
    calls[:, [D0, D1]] = view.calls[:, [D1, D0]]
    ids = view.stream.ids.copy()
    ids[_flat(view.calls)] = ids[_flat(view.calls)][order]
    return view_of(replace(view.stream, ids=ids), calls, view.ordinal)


def turned_order(calls: Int32) -> Int64:
    """Where each id of the turned calls stood among those of the calls one after the other: int64 (M,)."""
    parts, begin = [], 0
    for rows, width in calls[:, [D0, D1]].astype(np.int64):
        parts.append(begin + np.arange(rows * width).reshape(rows, width).T.reshape(-1))
        begin += rows * width
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _flat(calls: Int32) -> Int64:
    """The places of the calls' ids in their stream, one call after the other."""
    wide = calls.astype(np.int64)
    parts = [np.arange(call[OFFSET], call[OFFSET] + call[D0] * call[D1]) for call in wide]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def reading_order(view: View, time_major: bool) -> Int64:
    """Cells of the table in the order in which the repo's own tensor holds them, as indices into the flat table (n * W,).

    time_major: whether the view was turned.
    """
    cells = np.flatnonzero((view.ids != NOTHING).reshape(-1))  # call by call, row by row
    if not time_major:
        return cells
    back = turned_order(view.calls)  # from the turned calls to the original ones
    return cells[back]
