"""Tables that a repo trains with arrays of its own: does an answer read them, and does what they learn point the right way?

Gradients by hand leave no graph, so one table at a time is exchanged in a recommender and answers are compared: its rows mixed up (an answer
that stays does not read it), or its trained values put into an untrained recommender (what they alone do to the scores is what its
updates were for).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .carried_state import Part
from .recommender import CheckedRecommender
from .snapshots import Snapshot, write
from .tracing_frames import Places

BACK = 5  # events at the ends of histories that are asked for
LEAST_ROWS = 30
SIGNIFICANT = 6.0  # standard errors; rows share what is popular, so that they count for less than they are
FLAT = 1e-6  # of a row's spread: a change that is the same for all items
BEATEN_BEFORE = (
    0.35  # share of others that a row's event is above before the training; less where seen items are hidden
)
SHRUNK = 0.2  # of the length before the training
FEWEST = 2
Told = dict[str, Any]


class LearnedTables:
    """make: an untrained recommender. trained: one after some epochs. before, after: what hung on it, with copies."""

    def __init__(
        self,
        make: Callable[[], CheckedRecommender],
        places: Places,
        trained: CheckedRecommender,
        before: Snapshot,
        after: Snapshot,
        histories: tuple[Any, Any],
    ) -> None:
        self._places, self._trained, self._before, self._after = places, trained, before, after
        self._fresh = make()
        self._untrained = Snapshot(self._fresh.model, places, copied=True)
        self._users, self._histories, self._events = _with_their_ends(*histories)
        self.names = [name for name in after.copies if self._learns(name)]
        self.by_hand = all(isinstance(after.parts[name].value, np.ndarray) for name in self.names)

    def _learns(self, name: str) -> bool:
        """Whether training moved it, and it is no running figure of another table's gradients, which begins as one value."""
        now, start = self._after.copies[name], self._before.copies.get(name)
        fresh = self._untrained.copies.get(name)
        if start is None or fresh is None or start.shape != now.shape != () or np.array_equal(start, now):
            return False
        like = [
            other
            for other in self._after.copies
            if other != name and self._after.copies[other].shape == now.shape
        ]
        return bool(np.ptp(start) > 0) or not like

    def found(self) -> Told | None:
        """{"what", "name", "share", "path", "line"}; None where all is well."""
        if len(self.names) < FEWEST or len(self._users) < LEAST_ROWS:
            return None
        return self._shrunk() or self._unread() or self._backwards()

    def _shrunk(self) -> Told | None:
        """All tables with several columns have lost nearly all of their length."""
        wide = [name for name in self.names if self._after.copies[name].ndim > 1]
        shares = [
            _length(self._after.copies[name]) / max(_length(self._before.copies[name]), 1e-12)
            for name in wide
        ]
        if not shares or max(shares) > SHRUNK:
            return None
        return _told("shrunk", wide[0], max(shares))

    def _unread(self) -> Told | None:
        """Tables whose rows may be mixed up and no answer changes, where those of others may not."""
        answer = self._scores(self._trained)
        unread = [name for name in self.names if self._is_unread(name, answer)]
        if not unread or len(unread) == len(self.names) or any(self._has_twin(name) for name in unread):
            return None
        read = [name for name in self.names if name not in unread]
        return _told("unread", ", ".join(unread[:3]), 0.0, self._served_at(read))

    def _served_at(self, names: list[str]) -> tuple[str, int] | None:
        """The last line of the function of the repo that reads most of these tables while it answers."""
        wanted = {_key_of(name) for name in names}
        reading: dict[Any, tuple[int, tuple[str, int]]] = {}

        def follow(frame: Any, event: str, _: Any) -> Any:
            path = self._places.path(frame.f_code.co_filename)
            known = {*frame.f_code.co_names, *(one for one in frame.f_code.co_consts if isinstance(one, str))}
            if path is None or not wanted & known:
                return None
            if event == "line":
                reading[frame.f_code] = len(wanted & known), (path, frame.f_lineno)
            return follow

        before = sys.gettrace()
        sys.settrace(follow)
        try:
            self._scores(self._trained)
        finally:
            sys.settrace(before)
        return max(reading.values(), key=lambda told: told[0])[1] if reading else None

    def _is_unread(self, name: str, answer: Any) -> bool:
        part, kept = self._after.parts[name], self._after.copies[name]
        mixed = np.roll(kept, kept.shape[0] // 2, axis=0)
        exchanged = self._with(self._trained, part, mixed)
        return exchanged is not None and answer is not None and np.array_equal(answer, exchanged)

    def _has_twin(self, name: str) -> bool:
        """Whether another table holds much the same numbers: a copy that is served, an average."""
        mine = self._after.copies[name].ravel()
        return any(
            other != name and array.size == mine.size and mine.std() > 0 and array.std() > 0
            and abs(np.corrcoef(mine, array.ravel())[0, 1]) > 0.5
            for other, array in self._after.copies.items()
        )  # fmt: skip

    def _backwards(self) -> Told | None:
        """Tables that alone, trained in an untrained recommender, lower what users chose, or raise what they never chose."""
        start = self._scores(self._fresh)
        if start is None or self._above(start).mean() < BEATEN_BEFORE:
            return None
        gains: dict[str, float] = {}
        for name in self.names:
            moved = self._with(self._fresh, self._untrained.parts[name], self._after.copies[name])
            gains[name] = self._gain(start, moved) if moved is not None else 0.0
        wrong = [name for name in self.names if gains[name] < -SIGNIFICANT]
        if not wrong:
            return None
        right = any(gain > SIGNIFICANT for gain in gains.values())
        share = len(wrong) / len(self.names) if right else 1.0
        return _told("backwards", ", ".join(wrong[:3]), share)

    def _gain(self, start: Any, moved: Any) -> float:
        """By how many standard errors chosen items rise above others."""
        change = moved - start
        gains = []
        for row, event in enumerate(self._events):
            others = self._others(start[row], row)
            spread = start[row][others].std() if others.any() and np.isfinite(start[row][event]) else 0.0
            if spread > 0 and np.ptp(change[row][others]) > FLAT * spread:
                gains.append((change[row][event] - change[row][others].mean()) / spread)
        return _errors(gains)

    def _above(self, scores: Any) -> Any:
        """The share of other items that the row's event scores above."""
        return np.array(
            [
                (scores[row][self._others(scores[row], row)] < scores[row][event]).mean()
                for row, event in enumerate(self._events)
            ]
        )

    def _others(self, scores: Any, row: int) -> Any:
        usable = np.isfinite(scores) & (np.abs(scores) < 1e6)
        usable[0] = False
        usable[self._histories[row]] = False
        usable[self._events[row]] = False
        return usable

    def _with(self, candidate: CheckedRecommender, part: Part, array: Any) -> Any:
        """The answer with other numbers in a table, which gets back what it held."""
        before = np.array(part.now())
        write(part.now(), array)
        try:
            return self._scores(candidate)
        finally:
            write(part.now(), before)

    def _scores(self, candidate: CheckedRecommender) -> Any:
        try:
            with candidate.at_rest(0):
                return np.asarray(candidate.dense(self._users, self._histories), np.float64)
        except Exception:  # noqa: BLE001 -- candidate code, put into a state that it was never in
            return None


def _with_their_ends(users: Any, histories: Any) -> tuple[Any, Any, Any]:
    """Users and histories that end before one of their last events, and that event."""
    rows: list[tuple[Any, Any, Any]] = []
    for back in range(1, BACK + 1):
        for user, history in zip(users, histories):
            if (history > 0).sum() > back + 1:
                begun = np.concatenate([np.zeros(back, history.dtype), history[:-back]])
                if history[-back] not in begun:
                    rows.append((user, begun, history[-back]))
    if not rows:
        return users[:0], histories[:0], np.zeros(0, np.int64)
    whose, begun, events = (np.array(column) for column in zip(*rows))
    return whose, begun, events


def _errors(values: list[float]) -> float:
    """How many standard errors the mean is from 0."""
    if len(values) < LEAST_ROWS:
        return 0.0
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return float(np.mean(values)) / error if error > 0 else 0.0


def _length(array: Any) -> float:
    return float(np.linalg.norm(array))


def _key_of(name: str) -> str:
    """`P` of `net.P` and of `net.tables['P']`."""
    return name.rpartition(".")[2].rpartition("[")[2].strip("'\"]")


def _told(what: str, name: str, share: float, place: tuple[str, int] | None = None) -> Told:
    path, line = place or ("", 0)
    return {"what": what, "name": name, "share": min(1.0, share), "path": path, "line": line}
