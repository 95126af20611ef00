"""One table of ids for each thing that a step looks up: calls of one line that serve several ends are told apart."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diagnosis.examination import Int32, Stream
from diagnosis.streams.recorded import D0, D1, OFFSET, STEP
from seeds.interactions import Int64

NOTHING = np.iinfo(np.int32).min  # fills rows of calls that are narrower than the widest
LEFT_OUT = -100  # as torch's losses have it where nothing else is said
MAX_CALLS = 16  # a step
MOST_SLOTS = 4  # candidates at a place that are told apart
LAST_TURN = 3  # calls of a line in one step from this one on share a stream (guest/epoch_streams.py)


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """What one of the calls of every step looked up.

    ids: int32 (n, W), NOTHING beyond a call's own width; LEFT_OUT for the class that a loss leaves out.
    call: int64 (n,), which of `calls` a row belongs to; calls: (C, 4) as in a stream.
    ordinal: where several share a stream, which of the step's calls of this stream it is.
    """

    stream: Stream
    ids: Int32
    call: Int64
    calls: Int32
    ordinal: int = 0

    @property
    def steps(self) -> Int64:
        """The step of each row: int64 (n,)."""
        return self.calls[self.call, STEP].astype(np.int64)

    @property
    def width(self) -> int:
        """Ids in a row, at most."""
        return self.ids.shape[1]

    @property
    def sizes(self) -> Int64:
        """Ids in each call: int64 (C,)."""
        return self.calls[:, D0].astype(np.int64) * np.maximum(self.calls[:, D1], 1)

    def same_rows(self, other: "View") -> bool:
        """Whether both have the same calls with the same number of rows, so that row i of one belongs to row i."""
        return len(self.calls) == len(other.calls) and bool(
            (self.calls[:, [STEP, D0]] == other.calls[:, [STEP, D0]]).all()
        )

    def shaped(self, rows: NDArray[np.integer], widths: NDArray[np.integer]) -> "View | None":
        """The same ids cut anew: call c into rows[c] rows of widths[c]; None if the sizes do not fit."""
        if len(rows) != len(self.calls) or (rows * widths != self.sizes).any():
            return None
        calls = self.calls.copy()
        calls[:, D0], calls[:, D1] = rows, widths
        return view_of(self.stream, calls, self.ordinal)


def view_of(stream: Stream, calls: Int32, ordinal: int = 0) -> View:
    """A table of the ids of these calls of a stream."""
    heights = calls[:, D0].astype(np.int64)
    widths = np.maximum(calls[:, D1], 1).astype(np.int64)
    call = np.repeat(np.arange(len(calls)), heights)
    width = int(widths.max(initial=1))
    nth = np.arange(len(call)) - np.repeat(np.cumsum(heights) - heights, heights)
    at = calls[call, OFFSET].astype(np.int64) + nth * widths[call]
    inside = np.arange(width)[None, :] < widths[call][:, None]
    flat = at[:, None] + np.arange(width)[None, :]
    ids = stream.ids if len(stream.ids) else np.zeros(1, np.int32)
    table = np.where(inside, ids[np.minimum(np.where(inside, flat, 0), len(ids) - 1)], NOTHING)
    if stream.kind == "target":  # the id that the loss leaves out is no item, whatever the numbering
        table = np.where(table == stream.ignore, LEFT_OUT, table)
    return View(stream=stream, ids=table.astype(np.int32), call=call, calls=calls, ordinal=ordinal)


def views(stream: Stream) -> Iterator[View]:
    """The views of an index, target or label stream, one for each of the calls that nearly every step makes.

    Nothing comes of streams that count upwards (positions, labels of the batch) or never change.
    """
    calls = stream.calls[(stream.calls[:, D0] > 0) & (stream.calls[:, D1] != 0)]
    size = calls[:, D0].astype(np.int64) * np.maximum(calls[:, D1], 1)
    calls = calls[calls[:, OFFSET] + size <= len(stream.ids)]
    if not len(calls):
        return
    _, first, number = np.unique(calls[:, STEP], return_index=True, return_counts=True)
    usual = int(np.bincount(number).argmax()) if stream.turn >= LAST_TURN else 1
    if usual > MAX_CALLS or ((number == usual).mean() < 0.5 and usual > 1):
        return
    if usual == 1:  # several in a step are batches whose gradients add up
        first = np.arange(len(calls))
    else:
        first = first[number == usual]
    for ordinal in range(usual):
        view = view_of(stream, calls[first + ordinal], ordinal)
        if stream.kind == "label" or not _counts_upwards(view):
            yield view


def _counts_upwards(view: View) -> bool:
    """Whether the ids are 0, 1, 2, ... along a row or a call, in either direction, or all the same."""
    ids = view.ids
    if view.width == 1:
        same_call = view.call[1:] == view.call[:-1]
        if not same_call.any():
            return False
        by = np.diff(ids[:, 0].astype(np.int64))[same_call]
    else:
        there = (ids[:, 1:] != NOTHING) & (ids[:, :-1] != NOTHING)
        by = np.diff(ids.astype(np.int64), axis=1)[there]
        if not len(by):
            return False
    return bool(max((by == 1).mean(), (by == -1).mean()) > 0.9 or (ids[ids != NOTHING] == ids[0, 0]).all())


def distinct(found: list[View]) -> list[View]:
    """Without views whose ids another has already: the same batch looked up in a second table."""
    kept: dict[bytes, View] = {}
    for view in found:
        key = view.calls[:, [STEP, D0, D1]].tobytes() + view.ids.tobytes() + view.stream.kind.encode()
        first = kept.setdefault(key, view)
        if first is not view and first.stream.table == view.stream.table:
            kept[key + str(len(kept)).encode()] = (
                view  # twice in one table: one may be the target of the other
            )
    return list(kept.values())


def slots(view: View, width: int) -> list[View]:
    """A view of rows (width, K) cut into the first of the K candidates of each place, and the others; [] if it is none.

    Of few candidates each is a view of its own.
    """
    per_call = np.maximum(view.calls[:, D1], 1)
    k = view.width // width
    if k < 2 or view.width % width or (per_call % k).any():
        return []
    place = np.arange(view.width) % k
    groups = [place == n for n in range(k)] if k <= MOST_SLOTS else [place == 0, place > 0]
    return [_cut(view, group, int(group[:k].sum()), k) for group in groups]


def _cut(view: View, chosen: NDArray[np.bool_], kept: int, of: int) -> View:
    calls = view.calls.copy()
    calls[:, D1] = np.maximum(calls[:, D1], 1) // of * kept
    return replace(view, ids=view.ids[:, chosen], calls=calls)


def columns(view: View) -> list[View]:
    """Each column of a narrow view as a view of its own: one table for several fields."""
    parts = []
    for column in range(view.width):
        calls = view.calls.copy()
        calls[:, D1] = -1
        parts.append(
            replace(view, ids=view.ids[:, column : column + 1], calls=calls, ordinal=view.ordinal + column)
        )
    return parts
