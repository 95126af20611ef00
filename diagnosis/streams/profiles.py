"""Models that read and answer rows as wide as the catalogue: whose rows they are, and what lies in both.

Rows tell no order, so that a target is found again as an event of the only user who met all items of its row.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diagnosis.examination import Stream
from diagnosis.streams.decoding import Numbering, by_offset
from diagnosis.streams.drawn import Drawn, own_share
from diagnosis.streams.log import Log
from diagnosis.streams.recorded import D0, D1, STEP
from diagnosis.streams.views import View, view_of
from seeds.interactions import Int64

TARGET_SLOT = 1  # of guest/epoch_streams.py
MOST_PRODUCTS = 3e10  # rows x users x items that are compared
SURE = 0.98  # of a row's items are the user's
COPIED = 0.25  # of what is put in is no target
ENOUGH = 0.3  # of the rows have one such user; of short rows many fit several


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Multi-hot rows of a stream. items: bool (n, n_items + 1), column 0 is none."""

    stream: Stream
    numbering: Numbering
    items: NDArray[np.bool_]

    def view(self) -> View:
        """One id for each item of each row."""
        calls = self.stream.calls.copy()
        calls[:, D0] = np.diff(np.append(calls[:, 1], len(self.stream.ids)))
        calls[:, D1] = -1
        return view_of(self.stream, calls)

    def row_of_each(self) -> Int64:
        """The row of each id of `view`."""
        heights = self.stream.calls[:, D0].astype(np.int64)
        sizes = np.diff(np.append(self.stream.calls[:, 1], len(self.stream.ids)))
        values = np.zeros(len(self.stream.ids)) if self.stream.values is None else self.stream.values
        return np.repeat(np.cumsum(heights) - heights, sizes) + values.astype(np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Profiles:
    """What was put in and what is aimed at, row by row. users: int64 (n,), by the items put in; 0 where not sure."""

    put_in: Rows
    aimed_at: Rows
    users: Int64
    drawn: Drawn | None

    def leaked(self) -> tuple[float, float]:
        """The share of targets that are put in as well, and the share of what is put in that is no target."""
        both = (self.put_in.items & self.aimed_at.items).sum()
        return (
            float(both / max(self.aimed_at.items.sum(), 1)),
            float(1 - both / max(self.put_in.items.sum(), 1)),
        )

    def own(self, log: Log) -> tuple[float, float, int]:
        """The share of targets that the user of the row met, the same by chance, and how many were looked at."""
        known = self.users > 0
        row, item = np.nonzero(self.aimed_at.items[known])
        users = self.users[known][row]
        share, chance = own_share(log, users, item.astype(np.int64)[:, None])
        return share, chance, len(row)


def profiles(log: Log, streams: tuple[Stream, ...]) -> Profiles | None:
    """The first pair of multi-hot streams, one read and one aimed at, whose rows are users of the log."""
    hot = [each for each in streams if each.kind == "multi-hot" and each.grad and len(each.calls)]
    for put_in in (each for each in hot if each.slot != TARGET_SLOT):
        for aimed_at in (each for each in hot if each.slot == TARGET_SLOT):
            if not np.array_equal(put_in.calls[:, [STEP, D0]], aimed_at.calls[:, [STEP, D0]]):
                continue
            found = _read(log, put_in, aimed_at)
            if found is not None:
                return found
    return None


def _read(log: Log, put_in: Stream, aimed_at: Stream) -> Profiles | None:
    for numbering in _numberings(log, put_in):
        read, aimed = _rows(log, put_in, numbering), _rows(log, aimed_at, numbering)
        if float(len(read.items)) * log.n_users * log.n_items > MOST_PRODUCTS:
            return None
        users, both = _whose(log, read.items), _whose(log, read.items | aimed.items)
        if max((users > 0).mean(), (both > 0).mean()) < ENOUGH:
            continue
        found = Profiles(put_in=read, aimed_at=aimed, users=users, drawn=None)
        if found.leaked()[1] < COPIED:
            return found  # an autoencoder aims at what it reads, in whatever rows
        return replace(found, drawn=_drawn(log, aimed, both))
    return None


def _numberings(log: Log, stream: Stream) -> Iterator[Numbering]:
    usual = (-1, 0) if stream.rows == log.n_items else (0, -1)
    yield from (by_offset(offset) for offset in usual)


def _rows(log: Log, stream: Stream, numbering: Numbering) -> Rows:
    n = int(stream.calls[:, D0].astype(np.int64).sum())
    rows = Rows(stream=stream, numbering=numbering, items=np.zeros((n, log.n_items + 1), dtype=bool))
    rows.items[rows.row_of_each(), numbering.decode(stream.ids, log.n_items)] = True
    rows.items[:, 0] = False
    return rows


def _whose(log: Log, items: NDArray[np.bool_]) -> Int64:
    """The one user who met nearly all items of a row; 0 where there is none or several."""
    met = np.zeros((log.n_users + 1, log.n_items + 1), dtype=np.float32)
    met[log.users, log.items] = 1.0
    common = items.astype(np.float32) @ met.T  # (n, n_users + 1)
    best = common.max(axis=1)
    alone = (common == best[:, None]).sum(axis=1) == 1
    sure = alone & (best >= SURE * items.sum(axis=1)) & (best >= 2)
    return np.where(sure, common.argmax(axis=1), 0).astype(np.int64)


def _drawn(log: Log, aimed: Rows, users: Int64) -> Drawn:
    view = aimed.view()
    whose = users[aimed.row_of_each()]
    items = np.where(whose > 0, aimed.numbering.decode(view.ids, log.n_items)[:, 0], 0)[:, None]
    own, chance = own_share(log, whose, items)
    return Drawn(
        view=view,
        numbering=aimed.numbering,
        items=items,
        users=whose,
        own=own,
        chance=chance,
        relation=None,
        events=log.event(whose[:, None], items),
    )
