"""One persona per real user, by activity, diversity and conformity, and a stratified sample of personas.

The three traits and their cuts are those of Self-EvolveRec (arXiv 2602.12612): activity = number of events
(60th, 90th percentile), diversity = number of distinct category labels (33rd, 66th), conformity = mean squared
difference between the user's rating and the item's average rating (25th, 80th; small means a conformist).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Int64, Interactions
from simulator.transitions import Float64

ACTIVITY_CUTS = (60, 90)
DIVERSITY_CUTS = (33, 66)
CONFORMITY_CUTS = (25, 80)


class Level(StrEnum):
    """The level of a trait among the users of the data."""

    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"
    UNKNOWN = "unknown"  # the data has no ratings, or no categories


LEVELS = (Level.LOW, Level.MIDDLE, Level.HIGH, Level.UNKNOWN)

WORDS = {
    "activity": {
        Level.LOW: "comes rarely",
        Level.MIDDLE: "comes regularly",
        Level.HIGH: "comes all the time",
        Level.UNKNOWN: "activity unknown",
    },
    "diversity": {
        Level.LOW: "stays within a few categories",
        Level.MIDDLE: "has several interests",
        Level.HIGH: "explores many categories",
        Level.UNKNOWN: "diversity unknown (no categories in the data)",
    },
    "conformity": {
        Level.LOW: "judges against the crowd",
        Level.MIDDLE: "mostly agrees with the crowd",
        Level.HIGH: "judges like the crowd",
        Level.UNKNOWN: "conformity unknown (no ratings in the data)",
    },
}


@dataclass(frozen=True, kw_only=True)
class Persona:
    """One real user's traits. user: the id in the data."""

    user: int
    activity: Level
    diversity: Level
    conformity: Level

    @property
    def description(self) -> str:
        """All traits in one line."""
        return ", ".join(self.traits)

    @property
    def traits(self) -> tuple[str, ...]:
        """One phrase per trait, for example "comes rarely"."""
        levels = {"activity": self.activity, "diversity": self.diversity, "conformity": self.conformity}
        return tuple(WORDS[trait][level] for trait, level in levels.items())

    @property
    def cell(self) -> tuple[Level, Level, Level]:
        """The stratum of the persona in `sample_personas`."""
        return (self.activity, self.diversity, self.conformity)


def build_personas(training: Interactions) -> tuple[Persona, ...]:
    """One persona for every user with at least one training event, by user id."""
    events = np.diff(training.offsets).astype(np.float64)  # (n_users + 1,), entry 0 is padding
    known = np.flatnonzero(events[1:] > 0) + 1
    activity = _levels(events[known], ACTIVITY_CUTS)
    diversity = _levels(_distinct_labels(training)[known], DIVERSITY_CUTS)
    disagreement = _levels(_disagreement(training)[known], CONFORMITY_CUTS)
    opposite = {Level.LOW: Level.HIGH, Level.HIGH: Level.LOW}
    return tuple(
        Persona(user=int(user), activity=a, diversity=d, conformity=opposite.get(c, c))
        for user, a, d, c in zip(known, activity, diversity, disagreement)
    )


def sample_personas(
    personas: tuple[Persona, ...], n_users: int, rng: np.random.Generator
) -> tuple[Persona, ...]:
    """At most n_users personas, from each cell in proportion to its size, and at least one while there is room."""
    if n_users >= len(personas):
        return personas
    cells: dict[tuple[Level, Level, Level], list[Persona]] = {}
    for persona in personas:
        cells.setdefault(persona.cell, []).append(persona)
    members = [cells[cell] for cell in sorted(cells, key=lambda c: tuple(map(LEVELS.index, c)))]
    quota = _quotas(np.array([len(cell) for cell in members]), n_users)
    drawn = [
        cell[place] for cell, number in zip(members, quota) for place in rng.permutation(len(cell))[:number]
    ]
    return tuple(sorted(drawn, key=lambda persona: persona.user))


def persona_shares(everybody: Sequence[Persona], sampled: Sequence[Persona]) -> Float64:
    """How much of the population each sampled persona speaks for, (n,), with sum 1: the size of his cell, shared by those of
    it who were sampled. A cell of which nobody was sampled is spoken for by nobody."""
    size, present = Counter(one.cell for one in everybody), Counter(one.cell for one in sampled)
    shares = np.array([size[one.cell] / present[one.cell] for one in sampled], dtype=np.float64)
    return shares / shares.sum() if len(shares) else shares


def _quotas(sizes: Int64, places: int) -> Int64:
    """Places per cell: first one each, largest cells first; then to the cell furthest below its share."""
    quota = np.zeros(len(sizes), dtype=np.int64)
    quota[np.argsort(-sizes, kind="stable")[:places]] = 1
    share = places * sizes / sizes.sum()
    while quota.sum() < places:
        quota[int(np.argmax(np.where(quota < sizes, share - quota, -np.inf)))] += 1
    return quota


def _levels(values: Float64, cuts: tuple[int, int]) -> list[Level]:
    """The level of each value by percentiles of the known values; NaN is unknown."""
    known = np.isfinite(values)
    if not known.any():
        return [Level.UNKNOWN] * len(values)
    place = np.digitize(values, np.percentile(values[known], cuts), right=True)
    return [LEVELS[level] if is_known else Level.UNKNOWN for level, is_known in zip(place, known)]


def _distinct_labels(training: Interactions) -> Float64:
    """Number of distinct category labels per user: float64 (n_users + 1,), NaN if none is known."""
    known: dict[str, int] = {}
    categories = training.item_columns.categories
    labels = [[known.setdefault(label, len(known)) for label in set(path)] for path in categories]
    if not known:
        return np.full(training.n_users + 1, np.nan)
    table = np.zeros((len(labels), len(known)), dtype=bool)
    for item, own in enumerate(labels):
        table[item, own] = True
    distinct = np.zeros(training.n_users + 1)
    for user in range(1, training.n_users + 1):
        distinct[user] = np.count_nonzero(table[training.history(user)].any(axis=0))
    return np.where(distinct > 0, distinct, np.nan)


def _disagreement(training: Interactions) -> Float64:
    """Mean squared difference to the items' average ratings: float64 (n_users + 1,), NaN without ratings."""
    if training.ratings is None:
        return np.full(training.n_users + 1, np.nan)
    rated: NDArray[np.bool_] = np.isfinite(training.ratings)
    users, items = training.users[rated], training.items[rated]
    ratings = training.ratings[rated].astype(np.float64)
    mean = np.bincount(items, weights=ratings) / np.maximum(np.bincount(items), 1)
    squared = np.bincount(users, weights=(ratings - mean[items]) ** 2, minlength=training.n_users + 1)
    number = np.bincount(users, minlength=training.n_users + 1)
    return np.where(number > 0, squared / np.maximum(number, 1), np.nan)
