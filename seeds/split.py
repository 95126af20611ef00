"""Splits a log into training events, and one validation and one test question per user.

Candidate code sees training events and histories only, never the labels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seeds.assembly import average_ratings, user_offsets
from seeds.errors import SplitError
from seeds.interactions import Int64, Interactions, Questions

FEWEST_EVENTS = 3  # one for training, one for validation, one for test
TRAINING, VALIDATION, TEST = 0, 1, 2  # of `Interactions.parts`
FEWEST_TRAINING = 2  # of which one may become the validation target


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


@dataclass(frozen=True, kw_only=True)
class Given:
    """The source's own split. A user's question is the first event of a part, given all events of the parts before it.

    Without a validation part each user's last training event is the validation target, so nothing is chosen on test.
    """

    name: str = "given"

    def split(self, interactions: Interactions) -> Split:
        """Divide a log. Raises SplitError without parts, or if a part asks nothing of users with training events."""
        parts = interactions.parts
        if parts is None:
            raise SplitError(
                "The source divides nothing: it has neither files for training and test nor a column that says so. "
                'Set data.split to "leave-last-two-out".'
            )
        if not (parts == VALIDATION).any():
            parts = _with_validation(interactions, parts)
        starts = interactions.offsets[interactions.users]  # (N,) where the user of each event begins
        validation, test = (_first_of_part(interactions, parts, part) for part in (VALIDATION, TEST))
        if not len(validation) or not len(test):
            missing = "validation" if not len(validation) else "test"
            raise SplitError(
                f"No user has both training events and a {missing} event, so nothing can be asked. Check that the parts "
                "of the source name users and items alike."
            )
        first = (starts[validation], starts[test])
        return Split(
            training=_training(interactions, parts == TRAINING),
            validation=_with_candidates(
                _questions(interactions, first[0], validation), interactions, VALIDATION
            ),
            test=_with_candidates(_questions(interactions, first[1], test), interactions, TEST),
            ties=_ties(interactions, test),
        )


def _with_candidates(questions: Questions, interactions: Interactions, part: int) -> Questions:
    """The questions with the source's own candidates; without, where it lacks those of a user."""
    lists = interactions.candidates.get(part, {})
    if not all(int(user) in lists for user in questions.users):
        return questions
    others = [lists[int(user)] for user in questions.users]
    others = [found[found != target] for found, target in zip(others, questions.targets)]
    table = np.zeros((len(others), max(map(len, others))), np.int64)
    for row, found in enumerate(others):
        table[row, : len(found)] = found
    return replace(questions, candidates=table)


def _with_validation(interactions: Interactions, parts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same parts, the last training event of each user with FEWEST_TRAINING of them in the validation part."""
    users = interactions.users[parts == TRAINING]
    counts = np.bincount(users, minlength=interactions.n_users + 1)[1:]  # (n_users,)
    last = interactions.offsets[1:-1] + counts - 1  # training events come first
    changed = parts.copy()
    changed[last[counts >= FEWEST_TRAINING]] = VALIDATION
    return changed


def _first_of_part(interactions: Interactions, parts: NDArray[np.uint8], part: int) -> Int64:
    """The index of each user's first event of a part, for users with a training event."""
    places = np.flatnonzero(parts == part)
    _, first = np.unique(interactions.users[places], return_index=True)
    found = places[first]
    begins = interactions.offsets[interactions.users[found]]
    return found[parts[begins] == TRAINING]


_SCHEMES: tuple[Callable[[], Scheme], ...] = (LeaveLastTwoOut, GlobalTime, Given)


def scheme_named(name: str) -> Scheme:
    """The scheme that `data.split` names. Raises SplitError for an unknown name."""
    schemes = {scheme.name: scheme for scheme in (make() for make in _SCHEMES)}
    if name not in schemes:
        raise SplitError(f"Unknown split {name!r}; expected one of {', '.join(schemes)}. Correct data.split.")
    return schemes[name]


def split(interactions: Interactions, scheme: Scheme) -> Split:
    """Divide a log. Raises SplitError if the scheme cannot."""
    return scheme.split(interactions)


def unrankable(questions: Questions) -> int:
    """Questions whose target stands in their own history: no list can hold it, as items that were met are left out."""
    lengths = np.diff(questions.offsets)
    rows = np.repeat(np.arange(len(questions)), lengths)
    own = questions.items == np.repeat(questions.targets, lengths)
    return len(np.unique(rows[own]))


def several_targets(interactions: Interactions) -> int:
    """Users for whom a given split holds out several events of one part, of which the first alone is asked for."""
    if interactions.parts is None:
        return 0
    held_out = interactions.parts > TRAINING
    keys = interactions.users[held_out] * 3 + interactions.parts[held_out]
    found, counts = np.unique(keys, return_counts=True)
    return len(np.unique(found[counts > 1] // 3))


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
        candidates={},
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
