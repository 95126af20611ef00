"""Which events of a history move the answer: each of the newest, then some older ones, exchanged one at a time.

An event that is read moves the scores a little, one that is not read moves none at all, to the last digit, as the batch
is the same but for it. A recurrent model forgets by and by; a window ends at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evolution.trials.answers_compared import Float64, movement
from evolution.trials.asked import Answering, padded
from evolution.trials.data import TrialData
from seeds.interactions import Float32, Int64

ROWS = 23  # long histories that are edited; all of a small log
SINGLE = 12  # newest events that are exchanged each
GROWTH = 1.25  # from one older place to the next
DEAD = 1e-5  # spreads of the scores: nothing but rounding
ALIVE = 1e-3
SHARE_ALIVE = 0.2  # of rows that an event moves, where it is read
FREQUENT = 0.5  # share of the most frequent items that stand in for others: they are trained


@dataclass(frozen=True, kw_only=True, eq=False)
class LongBatch:
    """Users and real histories, among the longest of the log, and the answer to them.

    users: (B,). histories: (B, L). answer: (B, n_items + 1). lengths: (B,), events of each history.
    """

    users: Int64
    histories: Int64
    answer: Float32
    substitutes: Int64

    @property
    def lengths(self) -> Int64:
        return (self.histories > 0).sum(axis=1)

    def exchanged(self, places: list[int]) -> tuple[Int64, Int64]:
        """The histories with other events at these places (1 is the newest), and (B, 2k) the items that go and come."""
        edited, changed = self.histories.copy(), []
        for place in places:
            old = self.histories[:, -place]
            new = np.where(old > 0, self._others(place), 0)
            edited[:, -place] = new
            changed += [old, new]
        return edited, np.stack(changed, axis=1)

    def _others(self, place: int) -> Int64:
        """For each row a frequent item that its history does not have."""
        chosen = np.empty(len(self.users), np.int64)
        for row, history in enumerate(self.histories):
            free = np.setdiff1d(self.substitutes, history)
            pool = free if len(free) else self.substitutes
            chosen[row] = pool[(row * 7919 + place * 104729) % len(pool)]
        return chosen


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """sizes: place (1 is the newest) -> movement of each row, float64 (B,), NaN where the history is shorter."""

    sizes: Mapping[int, Float64]

    @property
    def places(self) -> list[int]:
        return sorted(self.sizes)

    def rows(self, place: int) -> Float64:
        """Movements of the rows that have such an event."""
        return self.sizes[place][~np.isnan(self.sizes[place])]

    def size(self, place: int) -> float:
        return float(np.median(self.rows(place)))

    def alive(self, place: int) -> bool:
        return bool((self.rows(place) > ALIVE).mean() >= SHARE_ALIVE)

    def dead(self, place: int) -> bool:
        return bool((self.rows(place) <= DEAD).all())

    @property
    def read(self) -> list[int]:
        return [place for place in self.places if self.alive(place)]

    @property
    def holes(self) -> list[int]:
        """Places that are not read between two neighbours that are."""
        return [
            place
            for place in self.places
            if self.dead(place)
            and all(near in self.sizes and self.alive(near) for near in (place - 1, place + 1))
        ]

    def window(self) -> int:
        """The place of the oldest event that is read, where it is read well and nothing beyond it is; 0 where reading ends
        by and by, or with the histories."""
        read = self.read
        beyond = [place for place in self.places if read and place > read[-1]]
        if not beyond or not all(self.dead(place) for place in beyond) or beyond[0] != read[-1] + 1:
            return 0
        return read[-1] if self.size(read[-1]) > 10 * ALIVE else 0


def long_batch(session: Answering, data: TrialData, max_history: int) -> LongBatch:
    """Some of the longest histories of the validation questions, asked."""
    lengths = np.diff(data.validation.offsets)
    by_length = np.argsort(lengths, kind="stable")[::-1]
    most = by_length[: max(ROWS, len(by_length) // 10)]
    rows = np.sort(most[np.unique(np.linspace(0, len(most) - 1, min(ROWS, len(most))).astype(np.int64))])
    users = data.validation.users[rows]
    histories = padded([data.validation.history(int(row)) for row in rows], max_history)
    counts = np.bincount(data.training.items, minlength=data.training.n_items + 1)
    trained = np.argsort(-counts, kind="stable")
    frequent = trained[counts[trained] > 0]
    substitutes = np.sort(frequent[: max(10, int(FREQUENT * len(frequent)))])
    answer = session.score(users, histories)
    return LongBatch(users=users, histories=histories, answer=answer, substitutes=substitutes)


def profile_of(session: Answering, batch: LongBatch) -> Profile:
    """Exchanges one event at a time. Where reading seems to end, the place is found by halving."""
    longest = int(np.sort(batch.lengths)[len(batch.lengths) // 2])  # half of the rows have an event there
    sizes = {place: _moved(session, batch, place) for place in _places(longest)}
    profile = Profile(sizes=sizes)
    while (gap := _gap(profile)) is not None:
        low, high = gap
        middle = (low + high) // 2
        profile = Profile(sizes={**profile.sizes, middle: _moved(session, batch, middle)})
    return profile


def _places(longest: int) -> list[int]:
    places = list(range(1, min(SINGLE, longest) + 1))
    while places and places[-1] < longest:
        places.append(min(longest, max(places[-1] + 1, int(places[-1] * GROWTH))))
    return places


def _gap(profile: Profile) -> tuple[int, int] | None:
    """The last place that is read and the next one asked for, with places in between."""
    read = profile.read
    beyond = [place for place in profile.places if read and place > read[-1]]
    if not beyond or not all(profile.dead(place) for place in beyond) or beyond[0] == read[-1] + 1:
        return None
    return read[-1], beyond[0]


def _moved(session: Answering, batch: LongBatch, place: int) -> Float64:
    edited, changed = batch.exchanged([place])
    sizes = movement(batch.answer, session.score(batch.users, edited), changed)
    return np.where(batch.lengths >= place, sizes, np.nan)
