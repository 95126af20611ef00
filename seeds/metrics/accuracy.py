"""HR, NDCG, MRR and recall of one target per user, in expectation over the orders of tied items.

A target that was seen before cannot be in a list of unseen items and counts as missed.
"""

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Int64

CUTOFFS = (1, 5, 10, 20, 50)
_GAINS = {
    "HR": lambda rank: np.ones_like(rank),
    "NDCG": lambda rank: 1 / np.log2(rank + 2),  # one relevant item, so the ideal DCG is 1
    "MRR": lambda rank: 1 / (rank + 1),
    "Recall": lambda rank: np.ones_like(rank),  # with one target the same as HR; both names are in use
}


def user_metrics(
    items: NDArray[np.integer], scores: NDArray[np.floating], ties: NDArray[np.integer], targets: Int64
) -> dict[str, NDArray[np.float64]]:
    """Metrics of every user, "HR@10" and so on: float64 (Q,).

    items, scores: (Q, K), the best K unseen items; item 0 fills short lists
    ties: (Q, 2), how many items share the K-th score in the list, and among all unseen items
    targets: (Q,)

    Ties count in expectation over the random orders of the tied items. If a tie crosses the end of the list, the list
    must hold a random subset of the tied items: the gain of a target in the list is divided by the share of tied
    items that are in the list, which keeps the mean unbiased (a constant scorer over n items has HR@k = k / n).
    """
    hits = (items == targets[:, None]) & (items > 0)  # (Q, K)
    found = hits.any(axis=1)
    own = np.where(found, scores[np.arange(len(items)), hits.argmax(axis=1)], np.inf)  # (Q,)
    filled = items > 0
    above = ((scores > own[:, None]) & filled).sum(axis=1)
    in_list = np.maximum(((scores == own[:, None]) & filled).sum(axis=1), 1)
    lowest = np.where(filled, scores, np.inf).min(axis=1, initial=np.inf)
    at_the_cut = found & (own == lowest)
    in_all = np.where(at_the_cut, np.maximum(ties[:, 1], in_list), in_list)
    return {
        f"{name}@{k}": np.where(found, expected_gain(name, k, above, in_all) * in_all / in_list, 0.0)
        for name in _GAINS
        for k in CUTOFFS
    }


def expected_gain(
    name: str, k: int, above: NDArray[np.integer], tied: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Mean gain of a target over the ranks above .. above + tied - 1 (from 0); ranks from k on gain nothing.

    above, tied: (Q,); tied counts the target and is at least 1
    """
    gains = _GAINS[name](np.arange(k, dtype=np.float64))
    total = np.concatenate(([0.0], np.cumsum(gains)))  # (k + 1,) total[r]: gain of the ranks before r
    return (total[np.minimum(above + tied, k)] - total[np.minimum(above, k)]) / tied
