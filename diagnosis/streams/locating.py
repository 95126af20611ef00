"""Finds where rows of item ids lie in the training log: a few items in a row are looked up by hash, then all are compared.

Padding, mask tokens and single changed items do not hinder it, and it needs to know nothing of how the rows were cut.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnosis.streams.log import Log, hashed
from seeds.interactions import Int64

WINDOWS = (8, 5, 3, 2)  # how many items in a row are looked up, the most telling first
MAX_CANDIDATES = 16
AGREEMENT = 0.7  # a row lies where this share of its items is the log's; masked language models change some


@dataclass(frozen=True, kw_only=True, eq=False)
class Located:
    """Where rows lie.

    start: int64 (n,), place in the log of column 0, so that column c lies at start + c; it may be outside of the log
        where a row begins with padding. Of a reversed row column c lies at start - c.
    found: bool (n,).
    user: int64 (n,), 0 where nothing was found.
    unsure: bool (n,), whether another place fits as well.
    """

    start: Int64
    found: NDArray[np.bool_]
    user: Int64
    unsure: NDArray[np.bool_]
    reversed: bool

    def places(self, log: Log, width: int) -> Int64:
        """The place of every entry: int64 (n, width), -1 outside of the user's events."""
        step = -1 if self.reversed else 1
        at = self.start[:, None] + step * np.arange(width)[None, :]
        low = log.offsets[self.user][:, None]
        high = log.offsets[np.minimum(self.user + 1, log.n_users + 1)][:, None]
        return np.where((at >= low) & (at < high) & self.found[:, None], at, -1)


def locate(log: Log, rows: NDArray[np.integer], users: Int64 | None = None) -> Located:
    """Where each row of items lies in the log, oldest first.

    rows: (n, L) item ids, 0 for everything that is no item. users: (n,) whose row it must be, 0 where not known.
    """
    n, width = rows.shape
    start = np.zeros(n, dtype=np.int64)
    share = np.zeros(n)
    user = np.zeros(n, dtype=np.int64)
    equal = np.zeros(n, dtype=np.int64)
    visible = rows > 0
    todo = visible.sum(axis=1) >= 2
    for k in WINDOWS:
        if k > width:
            continue
        some = np.flatnonzero(todo & (share < 1.0))
        if not len(some):
            break
        column, left, count = _anchors(log, rows[some], visible[some], k)
        for j in range(MAX_CANDIDATES):
            has = np.flatnonzero((count > j) & ~((share[some] >= 1.0) & (equal[some] > 1)))
            if not len(has):
                break
            of = some[has]
            anchor = log.windows(k).places[left[has] + j]
            at = anchor - column[has]
            fits = _agreement(log, rows[of], visible[of], at, log.users[anchor])
            if users is not None:
                fits = np.where((users[of] == 0) | (users[of] == log.users[anchor]), fits, 0.0)
            new = fits > share[of]
            equal[of] = np.where(new, 1, equal[of] + (fits == share[of]) * (at != start[of]))
            start[of] = np.where(new, at, start[of])
            user[of] = np.where(new, log.users[anchor], user[of])
            share[of] = np.maximum(share[of], fits)
        todo &= share < AGREEMENT
    found = share >= AGREEMENT
    return Located(start=start, found=found, user=np.where(found, user, 0), unsure=equal > 1, reversed=False)


def locate_reversed(log: Log, rows: NDArray[np.integer], users: Int64 | None = None) -> Located:
    """The same for rows whose newest event comes first."""
    ahead = locate(log, rows[:, ::-1], users)
    return Located(
        start=ahead.start + rows.shape[1] - 1,
        found=ahead.found,
        user=ahead.user,
        unsure=ahead.unsure,
        reversed=True,
    )


def _anchors(
    log: Log, rows: NDArray[np.integer], visible: NDArray[np.bool_], k: int
) -> tuple[Int64, Int64, Int64]:
    """Of each row the k items in a row that are rarest in the log: column, first index into the windows, count."""
    n, width = rows.shape
    total = np.concatenate([np.zeros((n, 1), np.int64), np.cumsum(visible, axis=1)], axis=1)
    whole = (total[:, k:] - total[:, :-k]) == k  # (n, L - k + 1)
    choices = np.stack(
        [
            whole.argmax(axis=1),
            whole.shape[1] - 1 - whole[:, ::-1].argmax(axis=1),
            (whole * (1 + np.arange(whole.shape[1]) * 7919 % 104729)[None, :]).argmax(axis=1),
        ],
        axis=1,
    )  # (n, 3): the first, the last, and some other
    flat, base = rows.reshape(-1), np.arange(n)[:, None] * width
    keys = hashed(flat, choices + base, k)
    known = log.windows(k).keys
    left = np.searchsorted(known, keys, side="left")
    count = np.searchsorted(known, keys, side="right") - left
    count = np.where(np.take_along_axis(whole, choices, axis=1), count, 0)
    best = np.where(count > 0, count, np.iinfo(np.int64).max).argmin(axis=1)[:, None]
    return (
        np.take_along_axis(choices, best, axis=1)[:, 0],
        np.take_along_axis(left, best, axis=1)[:, 0],
        np.take_along_axis(count, best, axis=1)[:, 0],
    )


def _agreement(
    log: Log, rows: NDArray[np.integer], visible: NDArray[np.bool_], start: Int64, users: Int64
) -> NDArray[np.float64]:
    """The share of each row's items that the log has at those places, of that user: (n,)."""
    at = start[:, None] + np.arange(rows.shape[1])[None, :]
    inside = (at >= log.offsets[users][:, None]) & (at < log.offsets[users + 1][:, None])
    same = inside & visible & (log.items[np.where(inside, at, 0)] == rows)
    return same.sum(axis=1) / np.maximum(visible.sum(axis=1), 1)
