"""Ranks of the targets in rows of scores and in top lists; shared by the probes."""

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import Evidence, TopLists
from seeds.interactions import Int64, Interactions, Questions
from seeds.metrics.accuracy import expected_gain, user_metrics

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
CUTOFF = 10


def unseen(questions: Questions, rows: NDArray[np.integer], n_items: int) -> Bool:
    """Which items may be recommended: bool (S, n_items + 1). Padding and seen items may not; the target may."""
    allowed = np.ones((len(rows), n_items + 1), dtype=bool)
    allowed[:, 0] = False
    for s, q in enumerate(rows):
        allowed[s, questions.history(int(q))] = False
    allowed[np.arange(len(rows)), questions.targets[rows]] = True
    return allowed


def masked(scores: NDArray[np.floating], allowed: Bool) -> Float64:
    """The scores with -inf for every item that may not be shown: float64 (S, n_items + 1)."""
    return np.where(allowed, scores.astype(np.float64), -np.inf)


def above_and_tied(scores: Float64, targets: Int64) -> tuple[Int64, Int64]:
    """How many items score above the target, and how many as high as the target, itself included: int64 (S,) each."""
    of_target = np.take_along_axis(scores, targets[:, None], axis=1)
    return (scores > of_target).sum(axis=1), (scores == of_target).sum(axis=1)


def ndcg_of_scores(scores: Float64, targets: Int64) -> Float64:
    """NDCG@10 of each row, ties in expectation: float64 (S,)."""
    return expected_gain("NDCG", CUTOFF, *above_and_tied(scores, targets))


def ndcg_of_lists(top: TopLists, targets: Int64) -> Float64:
    """NDCG@10 of each question's list, ties in expectation: float64 (Q,)."""
    return user_metrics(top.items, top.scores, top.ties, targets)[f"NDCG@{CUTOFF}"]


def popularity(training: Interactions) -> Int64:
    """Training events of each item: int64 (n_items + 1,)."""
    return np.bincount(training.items, minlength=training.n_items + 1)


def dense_targets(evidence: Evidence) -> Int64:
    """Targets of the densely scored questions: int64 (S,)."""
    return evidence.questions.targets[evidence.artifacts.dense_rows]


def shown(top: TopLists) -> Int64:
    """The first ten items of every list, zeros kept: int64 (Q, <= 10)."""
    return top.items[:, :CUTOFF].astype(np.int64)
