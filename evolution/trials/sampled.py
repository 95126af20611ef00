"""A sample of the validation questions with their answers: what statistics of a trained model are made of."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolution.trials.answers_compared import Float64, unmasked
from evolution.trials.asked import padded
from evolution.trials.data import TrialData
from seeds.interactions import Float32, Int64

USERS = 512
TOGETHER = 64  # users of a batch


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampled:
    """users, targets: (S,). histories: (S, L). scores: (S, n_items + 1). seen: bool (S, n_items + 1), padding included."""

    users: Int64
    histories: Int64
    targets: Int64
    scores: Float32
    seen: NDArray[np.bool_]

    def ask(self, score: Callable[[Int64, Int64], Float32], histories: Int64) -> Float32:
        """The scores of the same users with other histories: (S, n_items + 1)."""
        return in_batches(score, self.users, histories)

    def ranks(self, scores: Float32) -> Float64:
        """The targets' ranks among unseen items, from 0, ties in their middle: (S,)."""
        of_target = np.take_along_axis(scores, self.targets[:, None], axis=1)
        others = ~self.seen
        np.put_along_axis(others, self.targets[:, None], False, axis=1)
        return ((scores > of_target) & others).sum(axis=1) + 0.5 * ((scores == of_target) & others).sum(
            axis=1
        )

    def gains(self, scores: Float32) -> Float64:
        """1 / log2(1 + rank), rank from 1: (S,)."""
        return 1.0 / np.log2(2.0 + self.ranks(scores))

    def personal(self) -> Float64:
        """The scores in standard deviations of their row, without what all users share: (S, n_items + 1), NaN where masked."""
        counted = unmasked(self.scores)
        at_least = self.scores == self.scores[:, 1:].min(axis=1, keepdims=True)
        counted &= ~(at_least & (at_least.sum(axis=1, keepdims=True) > 1))
        values = _centred(np.where(counted, self.scores.astype(np.float64), 0.0), counted, axis=0)
        values = _centred(values, counted, axis=1)
        deviation = np.sqrt((values**2).sum(axis=1) / np.maximum(counted.sum(axis=1), 1))[:, None]
        largest = np.where(counted, np.abs(self.scores), 0.0).max(initial=1e-30)
        known = counted & (deviation > 1e-9 * largest)
        return np.where(known, values / np.maximum(deviation, 1e-300), np.nan)


def _centred(values: Float64, counted: NDArray[np.bool_], axis: int) -> Float64:
    n = np.maximum(counted.sum(axis=axis, keepdims=True), 1)
    return np.where(counted, values - values.sum(axis=axis, keepdims=True) / n, 0.0)


def sampled(score: Callable[[Int64, Int64], Float32], data: TrialData, max_history: int) -> Sampled:
    """Some of the questions whose dense scores are kept, asked."""
    rows = data.sample[np.unique(np.linspace(0, len(data.sample) - 1, USERS).astype(np.int64))]
    questions = data.validation
    users = questions.users[rows]
    histories = padded([questions.history(int(row)) for row in rows], max_history)
    seen = np.zeros((len(rows), data.training.n_items + 1), bool)
    seen[:, 0] = True
    for place, row in enumerate(rows):
        seen[place, questions.history(int(row))] = True
    return Sampled(
        users=users,
        histories=histories,
        targets=questions.targets[rows],
        scores=in_batches(score, users, histories),
        seen=seen,
    )


def in_batches(score: Callable[[Int64, Int64], Float32], users: Int64, histories: Int64) -> Float32:
    """Scores (S, n_items + 1), asked for TOGETHER users at a time."""
    parts = [
        score(users[at : at + TOGETHER], histories[at : at + TOGETHER])
        for at in range(0, len(users), TOGETHER)
    ]
    return np.concatenate(parts)
