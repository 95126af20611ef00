"""The protocols by which one model gets different figures, computed from its scores. Pure.

A protocol says which items a target is ranked among, how equal scores count, and what a rank is worth.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from diagnosis.figures.printed import Printed
from seeds.interactions import Float32, Int64, Interactions, Questions
from seeds.metrics.intervals import MeanInterval, mean_over_users

Float64 = NDArray[np.float64]
CHUNK = 64  # questions whose candidates are looked at together


class Among(StrEnum):
    """What a target is ranked among."""

    UNSEEN = "all items that the user has not met"
    ALL = "all items, those that the user has met among them"
    SAMPLED_100 = "100 sampled items"
    SAMPLED_1000 = "1,000 sampled items"
    POPULAR_100 = "100 items sampled by popularity"
    GIVEN = "the candidates that the data brings"


class Ties(StrEnum):
    """How items with the target's score count."""

    EXPECTED = "in expectation"
    WON = "in favour of the target"
    LOST = "against the target"


class Worth(StrEnum):
    """What a rank is worth."""

    USUAL = "as defined"
    IDEAL_OF_K = "NDCG against the ideal gain of k hits"
    BY_K = "recall divided by k"


SIZES = {Among.SAMPLED_100: 100, Among.SAMPLED_1000: 1000, Among.POPULAR_100: 100}


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One way to measure; the defaults are ours."""

    among: Among = Among.UNSEEN
    ties: Ties = Ties.EXPECTED
    worth: Worth = Worth.USUAL

    @property
    def deviations(self) -> tuple[Among | Ties | Worth, ...]:
        """In what it is not ours."""
        parts: tuple[tuple[Among | Ties | Worth, object], ...] = (
            (self.among, Among.UNSEEN), (self.ties, Ties.EXPECTED), (self.worth, Worth.USUAL),
        )  # fmt: skip
        return tuple(part for part, ours in parts if part is not ours)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """What a model scored. dense: (S, n_items + 1), of the questions `rows` (S,); training: what it learnt from."""

    dense: Float32
    rows: NDArray[np.integer]
    questions: Questions
    training: Interactions
    seed: int = 0

    @cached_property
    def places(self) -> Mapping[Among, tuple[Int64, Int64]]:
        """above, tied (S,) each: items with a higher score than the target, and with its score, itself counted."""
        found = {Among.UNSEEN: self._full(seen=False), Among.ALL: self._full(seen=True)}
        for among in Among:
            if among in SIZES or (among is Among.GIVEN and self.questions.candidates is not None):
                found[among] = self._drawn(among)
        return found

    def _full(self, *, seen: bool) -> tuple[Int64, Int64]:
        above, tied = np.zeros(len(self.rows), np.int64), np.ones(len(self.rows), np.int64)
        for place, row in enumerate(self.rows):
            counted = np.ones(self.training.n_items + 1, bool)
            counted[0] = False
            if not seen:
                counted[self.questions.history(int(row))] = False
            above[place], tied[place] = self._count(place, np.flatnonzero(counted))
        return above, tied

    def _drawn(self, among: Among) -> tuple[Int64, Int64]:
        above, tied = np.zeros(len(self.rows), np.int64), np.ones(len(self.rows), np.int64)
        for place, row in enumerate(self.rows):
            above[place], tied[place] = self._count(place, self._candidates(among, int(row)))
        return above, tied

    def _candidates(self, among: Among, row: int) -> Int64:
        """Drawn without replacement among the items that the user has not met; the same for all models."""
        if among is Among.GIVEN and self.questions.candidates is not None:
            given = self.questions.candidates[row]
            return given[given > 0]
        allowed = self._popularity + 1.0 if among is Among.POPULAR_100 else np.ones(self.training.n_items + 1)
        allowed[0] = allowed[self.questions.targets[row]] = 0.0
        allowed[self.questions.history(row)] = 0.0
        rng = np.random.default_rng([self.seed, row, SIZES[among]])
        size = min(SIZES[among], int((allowed > 0).sum()))
        return rng.choice(len(allowed), size, replace=False, p=allowed / allowed.sum()).astype(np.int64)

    @cached_property
    def _popularity(self) -> Float64:
        return np.bincount(self.training.items, minlength=self.training.n_items + 1).astype(np.float64)

    def _count(self, place: int, items: Int64) -> tuple[int, int]:
        target = self.questions.targets[self.rows[place]]
        scores, own = self.dense[place, items[items != target]], self.dense[place, target]
        return int((scores > own).sum()), int((scores == own).sum()) + 1

    def protocols(self) -> Iterator[Protocol]:
        """Ours first, then by the number of deviations. One that changes no rank, as where nothing is tied, is left out."""
        alike = [
            Protocol(among=among, ties=ties, worth=worth)
            for among, (_, tied) in self.places.items()
            for ties in Ties
            for worth in Worth
            if ties is Ties.EXPECTED or (tied > 1).mean() > LEAST_TIED
        ]
        yield from sorted(alike, key=lambda protocol: len(protocol.deviations))

    def figure(self, protocol: Protocol, asked: Printed) -> MeanInterval:
        """The figure by a protocol, with its interval over users."""
        above, tied = self.places[protocol.among]
        if protocol.ties is not Ties.EXPECTED:
            above = above if protocol.ties is Ties.WON else above + tied - 1
            tied = np.ones_like(tied)
        k = asked.k or self.training.n_items
        gains = _gains(asked.metric, k, protocol.worth)
        total = np.concatenate(([0.0], np.cumsum(gains)))
        per_user = (total[np.minimum(above + tied, k)] - total[np.minimum(above, k)]) / tied
        return mean_over_users(per_user, self.seed)


LEAST_TIED = 0.02  # of the users


def _gains(metric: str, k: int, worth: Worth) -> Float64:
    """What the ranks from 0 to k - 1 are worth."""
    ranks = np.arange(k, dtype=np.float64)
    if metric == "NDCG":
        gains = 1 / np.log2(ranks + 2)
        return gains / gains.sum() if worth is Worth.IDEAL_OF_K else gains
    if metric == "MRR":
        return 1 / (ranks + 1)
    return np.ones(k) / k if metric == "Recall" and worth is Worth.BY_K else np.ones(k)
