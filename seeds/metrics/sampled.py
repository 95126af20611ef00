"""The paper's protocol: the target among 99 random unseen items.

It serves comparison with papers and is never optimised, since sampled metrics change the order of models (Krichene &
Rendle, KDD 2020).
"""

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Int64, Interactions, Questions
from seeds.metrics.accuracy import CUTOFFS, expected_gain


def sampled_metrics(
    dense_scores: NDArray[np.floating],
    rows: NDArray[np.integer],
    questions: Questions,
    training: Interactions,
    *,
    n_negatives: int = 99,
    seed: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """HR@k and NDCG@k among the target and uniform negatives, ties in expectation: float64 (S,).

    dense_scores: (S, n_items + 1), raw scores of the questions `rows` (S,)

    A user's negatives are unseen, distinct and not the target. They depend on `seed` and the user alone, so all
    models and epochs get the same ones. If fewer than n_negatives exist, all are taken. Where the questions bring
    candidates of their own, these are the negatives.
    """
    above, tied = np.zeros(len(rows), np.int64), np.ones(len(rows), np.int64)
    for place, row in enumerate(rows):
        negatives = _negatives(questions, int(row), training, n_negatives, seed)
        own = dense_scores[place, questions.targets[row]]
        above[place] += (dense_scores[place, negatives] > own).sum()
        tied[place] += (dense_scores[place, negatives] == own).sum()
    return {
        f"{name}@{k}": expected_gain(name, k, above, tied)
        for name in ("HR", "NDCG")
        for k in CUTOFFS
        if k <= n_negatives
    }


def _negatives(questions: Questions, row: int, training: Interactions, n_negatives: int, seed: int) -> Int64:
    user = int(questions.users[row])
    if questions.candidates is not None:
        given = questions.candidates[row]
        return given[given > 0]
    allowed = np.ones(training.n_items + 1, bool)
    allowed[0] = allowed[questions.targets[row]] = False
    allowed[questions.history(row)] = False
    allowed[training.history(user)] = False
    candidates = np.flatnonzero(allowed)
    rng = np.random.default_rng([seed, user])
    return rng.choice(candidates, min(n_negatives, len(candidates)), replace=False)
