"""Whether an adapter's numbering is that of its program: what training looks up, as evolverec's ids, must be events of the log.

A row of a batch is a history where one user has all of its items; a pair of columns is users and items where the events are
theirs. With a numbering that is off by one, or permuted, nearly nothing fits. Numberings that repos have are tried, too, so that it can
be said which one fits; without such a one nothing is said, for rows may be no histories at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .looked_up import LookedUp

MOST_ROWS = 64  # of one call
MOST_PAIRS = 512
LEAST_ROWS = 12
LEAST_PAIRS = 50
DISTINCT = 5  # items that a row must have for its user to be told
MOST_TAKEN = 20  # items of a row that are looked at
FIRSTS = (0, 1, 2, 3)
USER_SHIFTS = (0, -1, 1)
BY_CHANCE = 0.3  # of rows that fit a permuted numbering; with more, a fit says nothing


# What was looked up, how it is read, rows of ids or a column of them, users beside it or None.
Tested = list[tuple[LookedUp, Any, Any, Any]]


class Numberings:
    """Repo ids of ours, (n + 1,) each, -1 where there is none, under the words of an adapter."""

    def __init__(self, n: int, seen: Any, times: Any = None) -> None:
        self._n = n
        met, first = np.unique(seen, return_index=True)
        self._orders = {
            "": np.arange(1, n + 1),
            "sorted": met,
            "appearance": met[np.argsort(first, kind="stable")],
        }
        if times is not None:
            by_time = np.asarray(seen)[np.argsort(np.asarray(times), kind="stable")]
            met, first = np.unique(by_time, return_index=True)
            self._orders["time"] = met[np.argsort(first, kind="stable")]
        self._orders["sorted-text"] = np.array(sorted(met.tolist(), key=str))

    def __iter__(self) -> Iterator[tuple[str, int, Any]]:
        """(order, first id, map)"""
        told = []
        for order, items in self._orders.items():
            for first in FIRSTS:
                numbers = np.full(self._n + 1, -1, np.int64)
                numbers[items] = np.arange(len(items)) + first
                if not any(np.array_equal(numbers, one) for _, _, one in told):
                    told.append((order, first, numbers))
        return iter(told)


class _Log:
    def __init__(self, data: Any) -> None:
        self.users, self.items, self._offsets = (
            np.asarray(one) for one in (data.users, data.items, data.offsets)
        )
        self.n_items, self.times = int(data.n_items), getattr(data, "timestamps", None)
        self._sets: dict[int, set[int]] = {}
        self._users_of: dict[int, Any] = {}
        self.counts = np.bincount(self.items, minlength=self.n_items + 1)
        self._by_item = np.argsort(
            self.items, kind="stable"
        )  # events of item i: ends[i - 1] to ends[i] of these
        self._ends = np.cumsum(self.counts)

    def items_of(self, user: int) -> set[int]:
        if user not in self._sets:
            low, high = self._offsets[user : user + 2]
            self._sets[user] = set(self.items[low:high].tolist())
        return self._sets[user]

    def has_user_with(self, items: Any) -> bool:
        """Whether one user has all of these items."""
        rarest = int(items[np.argmin(self.counts[items])])
        if rarest not in self._users_of:
            events = self._by_item[self._ends[rarest] - self.counts[rarest] : self._ends[rarest]]
            self._users_of[rarest] = np.unique(self.users[events])
        wanted = set(items.tolist())
        return any(wanted <= self.items_of(int(user)) for user in self._users_of[rarest][:2000])


def numbering_fit(kept: list[LookedUp], data: Any, ids: Any) -> dict[str, Any]:
    """How well the map `ids.items` of an adapter fits, and which fits best; {} where that cannot be told.

    given, best, chance: shares from 0 to 1; by chance, those of a permuted numbering. shift, user_shift: by how much the best is above
    the given one. order, first: of the one that fits best. users: the first id of users where they are numbered in that order, too. kind: "rows" or "pairs". path, line: where
    the table is looked up. ids_path, ids_line: where the adapter makes its numbering. padding: what fills rows and how the adapter has
    it, [] where they agree or it is not told.
    """
    log, mine = _Log(data), np.asarray(ids.items)
    table = [one for one in kept if one.rows >= 0.5 * int((mine >= 0).sum())]
    rows = _rows(table)
    chance = _best(rows, _permuted(mine), log)[0] if rows else -1.0
    if 0 <= chance <= BY_CHANCE:
        return _told("rows", [(0, rows)], chance, log, mine, ids)
    pairs = [
        (shift, tested) for shift in USER_SHIFTS if (tested := _pairs(table, np.asarray(ids.users), shift))
    ]
    chance = _best(pairs[0][1], _permuted(mine), log)[0] if pairs and pairs[0][0] == 0 else -1.0
    if not 0 <= chance <= BY_CHANCE:
        return {}
    anew = [
        (order, first, tested)
        for order, first, users in Numberings(int(data.n_users), log.users, log.times)
        if order and first < 2 and (tested := _pairs(table, users, 0))
    ]
    return _told("pairs", pairs, chance, log, mine, ids, anew)


def _told(
    kind: str,
    tested: list[tuple[int, Tested]],
    chance: float,
    log: _Log,
    mine: Any,
    ids: Any,
    anew: list[tuple[str, int, Tested]] | None = None,
) -> dict[str, Any]:
    """tested: by how much users are shifted, what was looked up; the first as the adapter has it.

    anew: what was looked up with users numbered anew, in which order and from which id; items are then numbered in the same order.
    """
    given, place = _best(tested[0][1], mine, log)
    numberings = list(Numberings(log.n_items, log.items, log.times))
    tried = [
        (*_best(one, each[2], log), shift, None, each) for shift, one in tested for each in numberings
    ] + [
        (*_best(one, each[2], log), 0, first, each)
        for order, first, one in anew or []
        for each in numberings
        if each[0] == order
    ]
    best, fitting, user_shift, users, (order, first, numbers) = max(tried, key=lambda one: one[0])
    if given < 0 or best < 0:
        return {}
    place = place if given >= best else fitting
    made = getattr(ids, "place", ("", 0))
    return {
        "kind": kind, "given": given, "best": best, "chance": chance, "order": order, "first": first,
        "shift": _shift(mine, numbers), "user_shift": user_shift, "users": users, "path": place.path, "line": place.line,
        "ids_path": str(made[0]), "ids_line": int(made[1]), "padding": _padding(place, mine, ids),
    }  # fmt: skip


def _permuted(numbers: Any) -> Any:
    mixed = numbers.copy()
    known = np.flatnonzero(numbers >= 0)
    mixed[known] = np.random.default_rng(0).permutation(numbers[known])
    return mixed


def _shift(mine: Any, best: Any) -> int:
    """By how much the best numbering is above the given one, 0 where they differ by more than a shift."""
    both = (mine >= 0) & (best >= 0)
    apart = np.unique(best[both] - mine[both])
    return int(apart[0]) if len(apart) == 1 else 0


def _rows(table: list[LookedUp]) -> Tested:
    """Batches of rows, as they lie and with time first; sets of a matrix as rows."""
    found: Tested = []
    for one in table:
        if one.kind == "multi-hot":
            found.append((one, "set", [np.flatnonzero(row) for row in one.ids[:MOST_ROWS]], None))
        elif one.ids.ndim == 2:
            found += [
                (one, layout, list(ids[:MOST_ROWS]), None)
                for layout, ids in (("rows", one.ids), ("columns", one.ids.T))
                if ids.shape[1] >= DISTINCT
            ]
    return found


def _pairs(table: list[LookedUp], numbers: Any, shift: int) -> Tested:
    """Columns of items beside columns of users of the same length, of the same step. numbers: of users, to which `shift` is added."""
    numbers = np.where(numbers + shift >= 0, numbers + shift, -1)
    numbers[0] = -1
    found: Tested = []
    for one in table:
        for other in table:
            same = one is not other and one.step == other.step and one.ids.shape == other.ids.shape
            if same and one.ids.ndim == 1 and other.rows >= int((numbers >= 0).sum()):
                users = _back(numbers)(other.ids[:MOST_PAIRS].astype(np.int64))
                if (users > 0).all():
                    found.append((one, (other.path, other.line), one.ids[:MOST_PAIRS], users))
    return found


def _back(numbers: Any) -> Any:
    """A function from the repo's ids to ours, 0 where there is none."""
    known = np.flatnonzero(numbers >= 0)
    table = np.zeros(int(numbers.max()) + 2, np.int64)
    table[numbers[known]] = known

    def back(ids: Any) -> Any:
        inside = (ids >= 0) & (ids < len(table))
        return np.where(inside, table[np.where(inside, ids, 0)], 0)

    return back


def _best(tested: Tested, numbers: Any, log: _Log) -> tuple[float, Any]:
    """The largest share that fits, over the lines that look something up; -1 where nothing can be told."""
    back = _back(numbers)
    counted: dict[tuple[Any, ...], list[int]] = {}
    places: dict[tuple[Any, ...], LookedUp] = {}
    for one, layout, ids, users in tested:
        key = (one.path, one.line, layout)
        fits, tried = (
            _rows_that_fit(ids, back, log) if users is None else _pairs_that_fit(ids, users, back, log)
        )
        so_far = counted.setdefault(key, [0, 0, LEAST_ROWS if users is None else LEAST_PAIRS])
        so_far[0], so_far[1] = so_far[0] + fits, so_far[1] + tried
        places.setdefault(key, one)
    shares = {key: fits / tried for key, (fits, tried, least) in counted.items() if tried >= least}
    key = max(shares, key=lambda one: shares[one], default=None)
    return (-1.0, tested[0][0]) if key is None else (shares[key], places[key])


def _rows_that_fit(rows: list[Any], back: Any, log: _Log) -> tuple[int, int]:
    fits = tried = 0
    for row in rows:
        items = np.unique(back(row.astype(np.int64)))
        items = items[items > 0][:MOST_TAKEN]
        if len(items) >= DISTINCT:
            tried += 1
            fits += log.has_user_with(items)
    return fits, tried


def _pairs_that_fit(ids: Any, users: Any, back: Any, log: _Log) -> tuple[int, int]:
    items = back(ids.astype(np.int64))
    return sum(int(item) in log.items_of(int(user)) for user, item in zip(users, items)), len(items)


def _padding(one: LookedUp, mine: Any, ids: Any) -> list[Any]:
    """[the id that fills rows, "left" or "right", the adapter's padding, its side] where they differ."""
    looked_up = one.ids.ndim == 2 and one.kind == "index"
    if (
        not looked_up or ids.padding is None or not 0 <= int(ids.padding) < one.rows
    ):  # -1 is made something else of before
        return []
    met = {
        side: _filling(one.ids if side == "left" else one.ids[:, ::-1], mine) for side in ("left", "right")
    }
    told = [(side, value) for side, value in met.items() if value is not None]
    if len(told) != 1 or (told[0][1], told[0][0]) == (int(ids.padding), ids.side):
        return []
    return [int(told[0][1]), told[0][0], int(ids.padding), str(ids.side)]


def _filling(rows: Any, mine: Any) -> int | None:
    """The id that is no item with which several rows begin twice, the same in all of them."""
    twice = rows[:, 0] == rows[:, 1] if rows.shape[1] > 2 else np.zeros(len(rows), bool)
    twice &= ~np.isin(rows[:, 0], mine[mine >= 0])
    values = np.unique(rows[twice, 0])
    return int(values[0]) if len(values) == 1 and twice.sum() >= 3 else None
