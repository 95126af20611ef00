"""Splits a log into training events, and one validation and one test question per user.

Candidate code sees training events and histories only, never the labels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from seeds.assembly import average_ratings, user_offsets
from seeds.errors import SplitError
from seeds.interactions import Int64, Interactions, Questions

FEWEST_EVENTS = 3  # one for training, one for validation, one for test


@dataclass(frozen=True, kw_only=True)
class TieReport:
    """How far the split depends on file order.

    users: users with a test question
    tied: those whose held-out event has the same time as the event before it
    measured: False if the source has an order but no timestamps; tied is then 0
    """

    users: int
    tied: int
    measured: bool

    @property
    def share(self) -> float:
        """The share of tied users; 0 without users."""
        return self.tied / self.users if self.users else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """A log divided into training events and questions.

    training: keeps all ids of the source
    test: its histories include the validation event
    """

    training: Interactions
    validation: Questions
    test: Questions
    ties: TieReport


class Scheme(Protocol):
    """One way to hold events out."""

    @property
    def name(self) -> str:
        """The name in `data.split` of evolverec.toml."""
        ...

    def split(self, interactions: Interactions) -> Split:
        """Divide a log. Raises SplitError if this scheme cannot."""
        ...


@dataclass(frozen=True, kw_only=True)
class LeaveLastTwoOut:
    """Each user's last event is the test target, the one before the validation target.

    Users with fewer than FEWEST_EVENTS events stay in training whole and get no question.
    """

    name: str = "leave-last-two-out"

    def split(self, interactions: Interactions) -> Split:
        """Divide a log. Raises SplitError if no user has FEWEST_EVENTS events."""
        starts, ends = (
            interactions.offsets[1:-1],
            interactions.offsets[2:],
        )  # (n_users,) each, users 1..n_users
        asked = np.flatnonzero(ends - starts >= FEWEST_EVENTS)
        if not len(asked):
            raise SplitError(
                f"No user has {FEWEST_EVENTS} events, so nothing can be held out; expected a log with histories. "
                "Point data.source at a longer log."
            )
        first, last = starts[asked], ends[asked] - 1
        training = np.ones(interactions.n_events, bool)
        training[last] = training[last - 1] = False
        return Split(
            training=_training(interactions, training),
            validation=_questions(interactions, first, last - 1),
            test=_questions(interactions, first, last),
            ties=_ties(interactions, last),
        )


@dataclass(frozen=True, kw_only=True)
class GlobalTime:
    """Training ends at the same moment for all users, validation at a later one.

    The two moments are chosen so that the shares `validation_share` and `test_share` of all events fall into the two
    windows after them. A user's question is the first event of each window, given all events before the window.
    """

    validation_share: float = 0.1
    test_share: float = 0.1
    name: str = "global-time"

    def split(self, interactions: Interactions) -> Split:
        """Divide a log. Raises SplitError without timestamps, or if there are no training events or no questions."""
        times = interactions.timestamps
        if times is None:
            raise SplitError(
                "A split by global time needs timestamps, and the source has only each user's own order. "
                'Set data.split to "leave-last-two-out".'
            )
        training_ends, validation_ends = np.quantile(
            times, [1 - self.validation_share - self.test_share, 1 - self.test_share], method="higher"
        )
        training = times < training_ends
        validation = _first_in_window(interactions, training_ends, validation_ends)
        test = _first_in_window(interactions, validation_ends, np.inf)
        if not training.any() or not len(validation) or not len(test):
            raise SplitError(
                "A split by global time leaves no training events or no questions: no user has events both before "
                'and after the cut. Set data.split to "leave-last-two-out".'
            )
        starts = interactions.offsets[interactions.users]  # (N,) where the user of each event begins
        return Split(
            training=_training(interactions, training),
            validation=_questions(interactions, starts[validation], validation),
            test=_questions(interactions, starts[test], test),
            ties=_ties(interactions, test),
        )


_SCHEMES: tuple[Callable[[], Scheme], ...] = (LeaveLastTwoOut, GlobalTime)


def scheme_named(name: str) -> Scheme:
    """The scheme that `data.split` names. Raises SplitError for an unknown name."""
    schemes = {scheme.name: scheme for scheme in (make() for make in _SCHEMES)}
    if name not in schemes:
        raise SplitError(f"Unknown split {name!r}; expected one of {', '.join(schemes)}. Correct data.split.")
    return schemes[name]


def split(interactions: Interactions, scheme: Scheme) -> Split:
    """Divide a log. Raises SplitError if the scheme cannot."""
    return scheme.split(interactions)


def _first_in_window(interactions: Interactions, begin: float, end: float) -> Int64:
    """The index of each user's first event in [begin, end), for users with an event before it."""
    times = interactions.timestamps
    assert times is not None
    inside = np.flatnonzero((times >= begin) & (times < end))
    _, first = np.unique(interactions.users[inside], return_index=True)
    places = inside[first]
    return places[places > interactions.offsets[interactions.users[places]]]


def _training(interactions: Interactions, kept: np.ndarray) -> Interactions:
    """The kept events. Average ratings are computed from these alone, so that they contain no held-out rating."""
    users, items = interactions.users[kept], interactions.items[kept]
    ratings = None if interactions.ratings is None else interactions.ratings[kept]
    average = average_ratings(items, ratings, interactions.n_items)
    return replace(
        interactions,
        users=users,
        items=items,
        timestamps=None if interactions.timestamps is None else interactions.timestamps[kept],
        ratings=ratings,
        offsets=user_offsets(users, interactions.n_users),
        item_columns=replace(interactions.item_columns, average_rating=average),
        places=None,
        parts=None,
    )


def _questions(interactions: Interactions, first: Int64, target: Int64) -> Questions:
    """Questions whose histories are the events from `first` up to but without
    `target`; both are event indices (Q,).
    """
    lengths = target - first
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    places = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], lengths)
    return Questions(
        users=interactions.users[target],
        items=interactions.items[places],
        offsets=offsets,
        targets=interactions.items[target],
    )


def _ties(interactions: Interactions, target: Int64) -> TieReport:
    times = interactions.timestamps
    if times is None:
        return TieReport(users=len(target), tied=0, measured=False)
    tied = int((times[target] == times[target - 1]).sum())
    return TieReport(users=len(target), tied=tied, measured=True)
