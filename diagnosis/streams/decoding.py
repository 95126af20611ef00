"""Which ids of a view mean which items or users: an offset, or a numbering of the repo's own."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnosis.streams.locating import Located, locate, locate_reversed
from diagnosis.streams.log import Log, different
from diagnosis.streams.views import NOTHING, View
from seeds.interactions import Int64

SAMPLE = 400  # rows on which a numbering is tried
PAIRS = 4000  # pairs on which it is tried
FEWEST_ROWS = 0.8  # a table of users has a row for nearly each of them


@dataclass(frozen=True, kw_only=True, eq=False)
class Numbering:
    """How a view's ids are made of the log's.

    offset: id = item + offset; None of a numbering of the repo's own.
    items: int64 (rows,), the item (or user) of each id, 0 of an id that is none; None with an offset.
    """

    name: str
    offset: int | None
    items: Int64 | None = None

    def decode(self, ids: NDArray[np.integer], highest: int) -> Int64:
        """The items (or users) of ids, 0 where an id is none. highest: n_items or n_users."""
        wide = ids.astype(np.int64)
        if self.items is None:
            meant = wide - int(self.offset or 0)
            return np.where((ids != NOTHING) & (meant >= 1) & (meant <= highest), meant, 0)
        inside = (wide >= 0) & (wide < len(self.items))
        return np.where(inside, self.items[np.where(inside, wide, 0)], 0)


def by_offset(offset: int) -> Numbering:
    """id = item + offset."""
    return Numbering(name=f"id + {offset}" if offset else "the log's ids", offset=offset)


def item_numberings(log: Log, rows: int) -> Iterator[Numbering]:
    """Numberings of items that a table of this many rows may have, the likeliest first.

    One table for users and items has the items behind the users.
    """
    joint = rows >= log.n_users + log.n_items - 1
    if joint:
        near = [rows - log.n_items - 1, log.n_users, log.n_users + 1, log.n_users - 1, log.n_users + 2]
        yield from (by_offset(offset) for offset in dict.fromkeys(near))
    usual = (-1, 0, 1) if rows == log.n_items else (0, -1, 1, 2)
    yield from (by_offset(offset) for offset in usual)
    yield from _own(log)


def block_numberings(log: Log, view: View) -> Iterator[Numbering]:
    """How the ids of a view may mean items in a table of several fields, of which more than one holds items."""
    if view.stream.rows < log.n_users + 2 * log.n_items - 2:
        return
    there = view.ids[view.ids != NOTHING]
    lowest, highest = (int(there.min()), int(there.max())) if len(there) else (0, 0)
    if lowest > log.n_users and highest - lowest <= log.n_items:
        yield from (by_offset(lowest - first) for first in (1, 0))


def user_numberings(log: Log, rows: int) -> Iterator[Numbering]:
    """The same for users, who may lie behind the items in one table for both."""
    usual = (-1, 0, 1) if rows == log.n_users else (0, -1, 1)
    yield from (by_offset(offset) for offset in usual)
    if rows >= log.n_users + log.n_items - 1:
        near = [rows - log.n_users - 1, log.n_items, log.n_items + 1, log.n_items - 1]
        yield from (by_offset(offset) for offset in dict.fromkeys(near))
    if (order := _as_met_in_time(log, log.users)) is not None:
        yield from _from_each_start("by first appearance in time", order)


def _own(log: Log) -> Iterator[Numbering]:
    """Items numbered anew from the training events: those that occur, by popularity, by first appearance, in a log by time too."""
    present = np.flatnonzero(log.counts[1:]) + 1
    first = np.full(log.n_items + 1, log.n, dtype=np.int64)
    np.minimum.at(first, log.items, np.arange(log.n))
    orders = {
        "the items that have events, in order": present,
        "by popularity": present[np.argsort(-log.counts[present], kind="stable")],
        "by first appearance": present[np.argsort(first[present], kind="stable")],
    }
    for name, order in orders.items():
        if name.endswith("in order") and len(present) == log.n_items:
            continue  # these are the log's own ids
        yield from _from_each_start(name, order)
    if (order := _as_met_in_time(log, log.items)) is not None:
        yield from _from_each_start("by first appearance in time", order)


def _from_each_start(name: str, order: Int64) -> Iterator[Numbering]:
    for offset in (0, 1, 2):
        items = np.concatenate([np.zeros(offset, dtype=np.int64), order])
        yield Numbering(name=f"{name}, from {offset}", offset=None, items=items)


def _as_met_in_time(log: Log, column: Int64) -> Int64 | None:
    """Items or users in the order in which a log that is sorted by time brings them; None without times."""
    if log.training.timestamps is None:
        return None
    in_time = column[np.argsort(log.training.timestamps, kind="stable")]
    met, first = np.unique(in_time, return_index=True)
    return met[np.argsort(first, kind="stable")]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """How rows of a view read as stretches of histories. share: of sampled rows that lie in the log."""

    numbering: Numbering
    newest_first: bool
    share: float


def as_stretches(log: Log, view: View) -> Reading | None:
    """How the rows read as stretches of histories, oldest or newest first; None if they are none.

    A row of two items fits somewhere in the log by chance, so that only longer ones count where there are any.
    """
    if view.width < 2:
        return None
    rng = np.random.default_rng(0)
    some = rng.choice(len(view.ids), min(SAMPLE, len(view.ids)), replace=False)
    best: Reading | None = None
    pads = padded(view.ids[some], padding_of(view.ids))
    for numbering in item_numberings(log, view.stream.rows):
        items = np.where(pads, 0, numbering.decode(view.ids[some], log.n_items))
        long = _long(items, view.width)
        if long.sum() < 5:
            continue
        for newest_first in (False, True):
            found = (locate_reversed if newest_first else locate)(log, items[long]).found
            # rows of which little is decoded prove little
            share = float(found.mean()) * min(1.0, 2 * float(long.mean()))
            if best is None or share > best.share + 0.05:
                best = Reading(numbering=numbering, newest_first=newest_first, share=share)
        if best is not None and best.share > 0.9:
            break
    return best if best is not None and best.share >= 0.5 else None


def _long(items: Int64, width: int) -> NDArray[np.bool_]:
    """Rows long enough to prove something: of four items, or of three where those are few."""
    known = (items > 0).sum(axis=1)
    long = known >= min(4, width)
    return long if long.sum() >= max(5, 0.1 * len(items)) else known >= min(3, width)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequence:
    """A view whose rows are stretches of users' histories.

    items, places: int64 (n, W), items 0 and places -1 for what is no event.
    padding: the id that rows begin or end with; None if they do not.
    time_major: whether the repo's own tensor is (T, B), and the view was turned.
    """

    view: View
    numbering: Numbering
    items: Int64
    located: Located
    places: Int64
    padding: int | None = None
    time_major: bool = False


def sequence(log: Log, view: View, reading: Reading, *, time_major: bool = False) -> Sequence:
    """All rows of a view, located. time_major: whether the view was turned."""
    padding = padding_of(view.ids)
    items = np.where(padded(view.ids, padding), 0, reading.numbering.decode(view.ids, log.n_items))
    located = (locate_reversed if reading.newest_first else locate)(log, items)
    return Sequence(
        view=view,
        numbering=reading.numbering,
        items=items,
        located=located,
        places=located.places(log, view.width),
        padding=padding,
        time_major=time_major,
    )


def padding_of(ids: NDArray[np.integer]) -> int | None:
    """The id that rows begin or end with twice or more; None if few rows do."""
    if ids.shape[1] < 3:
        return None
    last = ids.shape[1] - 1 - (ids[:, ::-1] != NOTHING).argmax(axis=1)  # of rows in calls of unlike widths
    ends = np.take_along_axis(ids, last[:, None], axis=1)[:, 0]
    before = np.take_along_axis(ids, np.maximum(last - 1, 0)[:, None], axis=1)[:, 0]
    doubled = np.concatenate([ids[:, 0][ids[:, 0] == ids[:, 1]], ends[ends == before]])
    if len(doubled) < max(3, 0.02 * len(ids)):
        return None
    values, counts = np.unique(doubled, return_counts=True)
    best = counts.argmax()
    return int(values[best]) if counts[best] > 0.8 * len(doubled) else None


def padded(ids: NDArray[np.integer], padding: int | None) -> NDArray[np.bool_]:
    """Which entries belong to a run of the padding id at the beginning or the end of a row, of two or more."""
    if padding is None:
        return np.zeros(ids.shape, dtype=bool)
    is_padding = ids == padding
    rest = is_padding | (ids == NOTHING)
    ahead = np.logical_and.accumulate(is_padding, axis=1)
    behind = np.logical_and.accumulate(rest[:, ::-1], axis=1)[:, ::-1] & is_padding
    ahead &= ahead.sum(axis=1)[:, None] >= 2
    return ahead | (behind & (behind.sum(axis=1)[:, None] >= 2))


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairing:
    """Users and items of the same rows: which numberings make the most of them events of the log. rows: of the items' table."""

    users: Numbering
    items: Numbering
    share: float
    chance: float
    rows: int = 0


def pairing(log: Log, users: View, items: View) -> Pairing | None:
    """How ids of users and items must be read so that pairs are training events; None if no reading stands out."""
    if users.stream.rows < FEWEST_ROWS * log.n_users:
        return None
    rng = np.random.default_rng(0)
    some = rng.choice(len(users.ids), min(PAIRS, len(users.ids)), replace=False)
    whose = users.ids[some, 0]
    column = np.arange(items.width) % max(items.width, 1)
    what = items.ids[some][:, column[: min(items.width, 8)]]
    best: Pairing | None = None
    for user_numbering in user_numberings(log, users.stream.rows):
        user = user_numbering.decode(whose, log.n_users)
        if (user > 0).mean() < 0.9:
            continue
        chance = float(log.distinct[user].mean() / log.n_items)
        for item_numbering in item_numberings(log, items.stream.rows):
            item = item_numbering.decode(what, log.n_items)
            if (item > 0).mean() < 0.5:
                continue
            # one column may hold the events, the others negatives
            met = log.met(np.broadcast_to(user[:, None], item.shape), item)
            share = float((met.sum(axis=0) / np.maximum((item > 0).sum(axis=0), 1)).max())
            if best is None or share > best.share + 0.02:
                best = Pairing(
                    users=user_numbering,
                    items=item_numbering,
                    share=share,
                    chance=chance,
                    rows=items.stream.rows,
                )
        if best is not None and best.share > 0.98:
            break
    return best if best is not None and best.share >= min(0.9, max(0.15, 3 * best.chance)) else None


def covering(log: Log, users: View, items: View) -> Pairing | None:
    """A reading under which the pairs, most of them negatives, hold the whole log."""
    if users.stream.rows < FEWEST_ROWS * log.n_users:
        return None
    for user_numbering in user_numberings(log, users.stream.rows):
        for item_numbering in item_numberings(log, items.stream.rows):
            if item_numbering.offset is None:
                break
            reading = Pairing(
                users=user_numbering, items=item_numbering, share=0.0, chance=0.0, rows=items.stream.rows
            )
            if _covers(log, reading, users, items):
                return reading
    return None


def _may_cover(log: Log, reading: Pairing, users: View, items: View) -> bool:
    """Whether enough of a sample are events for all of the log to be among the pairs, twice where two epochs were seen."""
    some = np.linspace(0, len(users.ids) - 1, min(PAIRS, len(users.ids))).astype(np.int64)
    user = reading.users.decode(users.ids[some, 0], log.n_users)
    item = reading.items.decode(items.ids[some, 0], log.n_items)
    return bool(log.met(user, item).mean() > 0.7 * log.n / len(users.ids))


def _covers(log: Log, reading: Pairing, users: View, items: View) -> bool:
    """Whether the pairs contain all the log, which so many pairs drawn at random would not."""
    if items.width > 1 or len(users.ids) < log.n or not _may_cover(log, reading, users, items):
        return False
    user = reading.users.decode(users.ids[:, 0], log.n_users)
    item = reading.items.decode(items.ids[:, 0], log.n_items)
    pairs = different(log.key(user, item)[log.met(user, item)])
    by_chance = 1 - np.exp(-len(users.ids) / (log.n_users * log.n_items))
    return len(pairs) >= 0.98 * log.distinct.sum() and by_chance < 0.95
