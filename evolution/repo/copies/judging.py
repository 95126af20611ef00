"""Whether rows of tokens are events of the log: far more of them pair a user with an item he met than chance would.

Chance is measured on the rows themselves, by pairing each row's user with another row's item. So columns of small
numbers, which are ids by accident, are not taken for a log.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolution.repo.copies.log_index import GRAM, LogIndex, Naming
from evolution.repo.copies.rows import Cells, Rows

FEWEST = 30  # different events of the log that a copy holds at least: ten lines in a README are an example
COLUMNS = 12  # at either end of a row
FEWEST_RENUMBERED = 100  # where ids are not the log's own: small numbers pair well by accident
DIFFERENT = 5  # users and items, of a copy
BEYOND_CHANCE = 0.3  # of what chance leaves: a log that was filtered later still shows
BEYOND_CHANCE_RENUMBERED = (
    0.9  # for ids that are not the log's own, which a copy of another version would not have
)
PROBED = 300  # rows that say whether two columns are worth a look at all rows
ONCE = 0.98  # a list that has more of its items once is a list of items
SHIFTS = (0.5, 0.31, 0.71, 0.17)  # by how much of the rows users are moved against items


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """events: different events of the log that were seen. rows: how many rows were looked at."""

    events: int
    rows: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ids:
    """Our ids by token, 0 for a token that is no user or no item. numbers: the token as a number, -1 for another.

    needed: the share of hits beyond chance. fewest: events.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    numbers: NDArray[np.int64]
    needed: float
    fewest: int


class Judge:
    """Compares rows of one file with the log; what the file's tokens mean is looked up once."""

    def __init__(self, index: LogIndex) -> None:
        self._index = index
        self._known: tuple[tuple[str, ...], list[_Ids]] = ((), [])

    def judged(self, rows: Rows) -> Evidence | None:
        """What shows that rows of a file are of the log; None if nothing does."""
        fewest = fewest_events(self._index)
        if rows.cells.size < fewest:
            return None
        counts = np.bincount(rows.cells.reshape(-1), minlength=len(rows.tokens))
        counts[0] = 0
        for ids in self._meanings(rows.tokens):
            of_items = counts[ids.items > 0]
            if of_items.sum() < ids.fewest or np.count_nonzero(of_items) < DIFFERENT:
                continue
            events = counts[ids.users > 0].sum() >= fewest and _paired(rows, ids, self._index)
            events = events or _ordered(rows, ids, self._index)
            if events:
                return Evidence(events=int(events), rows=len(rows.cells))
        return None

    def _meanings(self, tokens: tuple[str, ...]) -> list[_Ids]:
        if self._known[0] is not tokens:
            self._known = (tokens, [_ids_of(tokens, naming, self._index) for naming in self._index.namings])
        return self._known[1]


def fewest_events(index: LogIndex) -> int:
    """How many different events a copy holds at least; of a log of a few events, a quarter."""
    return min(FEWEST, max(4, len(index.pairs) // 4))


def _ids_of(tokens: tuple[str, ...], naming: Naming, index: LogIndex) -> _Ids:
    return _Ids(
        users=np.array([naming.users.get(token, 0) for token in tokens], np.int64),
        items=np.array([naming.items.get(token, 0) for token in tokens], np.int64),
        numbers=np.array([int(t) if t.isdecimal() and len(t) < 19 else -1 for t in tokens], np.int64),
        needed=BEYOND_CHANCE if naming.own else BEYOND_CHANCE_RENUMBERED,
        fewest=fewest_events(index)
        if naming.own
        else max(fewest_events(index), min(FEWEST_RENUMBERED, len(index.pairs) // 2)),
    )


def _paired(rows: Rows, ids: _Ids, index: LogIndex) -> int:
    """How many different events of the log stand in rows of a user and an item; 0 where chance would do."""
    views = [rows.cells[:, :COLUMNS], rows.from_the_right(COLUMNS), _known_only(rows.cells, ids)]
    for view in views:
        if events := _in_columns(view, ids, index):
            return events
    return _in_lists(rows.cells, ids, index)


def _known_only(cells: Cells, ids: _Ids) -> Cells:
    """The cells that are a user or an item, moved to the left: whatever text stands between them is gone."""
    known = (ids.users[cells] > 0) | (ids.items[cells] > 0)
    first = np.argsort(~known, axis=1, kind="stable")[:, :COLUMNS]
    return np.where(np.take_along_axis(known, first, axis=1), np.take_along_axis(cells, first, axis=1), 0)


def _in_columns(cells: Cells, ids: _Ids, index: LogIndex) -> int:
    users, items, fewest = ids.users[cells], ids.items[cells], ids.fewest
    of_users = np.flatnonzero((users > 0).sum(axis=0) >= fewest)
    of_items = np.flatnonzero((items > 0).sum(axis=0) >= fewest)
    some = slice(None, None, max(1, len(cells) // PROBED))
    for a in of_users.tolist():
        likely = _likely(users[some, a], items[some][:, of_items], ids, index)
        for b in of_items[likely].tolist():
            events = _beyond_chance(users[:, a], items[:, [b]], ids, index) if a != b else 0
            if events:
                return events
    return 0


def _likely(
    users: NDArray[np.int64], items: NDArray[np.int64], ids: _Ids, index: LogIndex
) -> NDArray[np.bool_]:
    """Which columns of items are worth a look at all rows, (K,), from some rows: users (R,), items (R, K)."""
    beside = np.broadcast_to(users[:, None], items.shape)
    moved = np.broadcast_to(np.roll(users, len(users) // 2 + 1)[:, None], items.shape)
    both = (beside > 0) & (items > 0)
    other = (moved > 0) & (items > 0) & (moved != beside)
    share = index.holds(beside, items).sum(axis=0) / np.maximum(both.sum(axis=0), 1)
    chance = (index.holds(moved, items) & other).sum(axis=0) / np.maximum(other.sum(axis=0), 1)
    return share - chance >= 0.5 * ids.needed * (1 - chance)


def _in_lists(cells: Cells, ids: _Ids, index: LogIndex) -> int:
    """Rows that begin with a user and go on with his items."""
    for first in (0, 1):
        if cells.shape[1] > first + 2:
            users, items = ids.users[cells[:, first]], ids.items[cells[:, first + 1 :]]
            if events := _beyond_chance(users, items, ids, index):
                return events
    return 0


def _beyond_chance(users: NDArray[np.int64], items: NDArray[np.int64], ids: _Ids, index: LogIndex) -> int:
    """users: (R,). items: (R, K), of the user of the same row. How many different events, 0 where chance would do."""
    kept = (users > 0) & (items > 0).any(axis=1)
    users, items = users[kept], items[kept]
    if (items > 0).sum() < ids.fewest or not (_several(users) and _several(items[items > 0])):
        return 0
    hits = index.holds(np.broadcast_to(users[:, None], items.shape), items)
    pairs = np.stack([np.broadcast_to(users[:, None], items.shape)[hits], items[hits]], axis=1)
    events = len(np.unique(pairs, axis=0))
    if events < ids.fewest:
        return 0
    share, chance = float(hits.sum() / (items > 0).sum()), _chance(users, items, index)
    return events if share - chance >= ids.needed * (1 - chance) else 0


def _several(found: NDArray[np.int64]) -> bool:
    return int(np.count_nonzero(np.bincount(found))) >= DIFFERENT


def _chance(users: NDArray[np.int64], items: NDArray[np.int64], index: LogIndex) -> float:
    """The share of hits once users stand beside the items of other users' rows."""
    hits, tried = 0, 0
    for share in SHIFTS:
        moved = np.roll(users, max(1, int(share * len(users))))
        other = (moved != users)[:, None] & (items > 0)
        hits += int((index.holds(np.broadcast_to(moved[:, None], items.shape), items) & other).sum())
        tried += int(other.sum())
    return (hits + 1) / (tried + 2)


def _ordered(rows: Rows, ids: _Ids, index: LogIndex) -> int:
    """How many runs of items are the log's, down a column or along rows; 0 where few are.

    A list of all items has each once, and may well be in the order of the log; a log has some again.
    """
    ends = np.append(np.flatnonzero(np.diff(rows.windows)) + 1, len(rows.cells))
    down = [np.insert(rows.cells[:, column], ends, 0) for column in range(min(rows.cells.shape[1], COLUMNS))]
    along = np.concatenate([rows.cells, np.zeros((len(rows.cells), 1), np.int32)], axis=1)
    for pieces in (*down, along.reshape(-1)):
        for turned in (pieces, pieces[::-1]):
            if found := _runs(turned, ids, index):
                return found
    return 0


def _runs(cells: Cells, ids: _Ids, index: LogIndex) -> int:
    """cells: pieces of the file with a 0 between them."""
    items = ids.items[cells]
    known = items[items > 0]
    if len(known) < max(GRAM, ids.fewest) or np.count_nonzero(np.bincount(known)) > ONCE * len(known):
        return 0
    asked, found = index.follows(items, ids.numbers[cells])
    enough = found * index.every >= ids.fewest and found >= min(GRAM, ids.fewest)
    return found if enough and found >= ids.needed * asked else 0
