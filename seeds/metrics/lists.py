"""Properties of recommendation lists that do not depend on targets: coverage, Gini, novelty, diversity."""

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Interactions

LIST_CUTOFFS = (5, 10, 20, 50)


def list_metrics(items: NDArray[np.integer], training: Interactions) -> dict[str, float]:
    """Metrics of all lists together. items: (Q, K), best first, 0 if there are fewer.

    coverage@k: share of all items that are in some list
    gini@k: inequality of how often items are shown; 0 if all equally often, 1 if only one item
    novelty@k: mean of -log2 of a shown item's share of training events (smoothed by one event per item), in bits
    diversity@k: share of the pairs in a list whose broadest categories differ, mean over
    users; absent if no item has a category
    """
    n_items = training.n_items
    events = np.bincount(training.items, minlength=n_items + 1)[1:]
    surprise = -np.log2((events + 1) / (events.sum() + n_items))  # (n_items,)
    broadest = _broadest_categories(training)
    metrics: dict[str, float] = {}
    for k in LIST_CUTOFFS:
        shown = items[:, :k]
        counts = np.bincount(shown[shown > 0], minlength=n_items + 1)[1:]  # (n_items,)
        total = max(int(counts.sum()), 1)
        metrics[f"coverage@{k}"] = float((counts > 0).mean())
        metrics[f"gini@{k}"] = gini(counts)
        metrics[f"novelty@{k}"] = float(counts @ surprise / total)
        if (broadest >= 0).any():
            metrics[f"diversity@{k}"] = _diversity(broadest[shown])
    return metrics


def gini(counts: NDArray[np.integer]) -> float:
    """Gini coefficient of non-negative counts; 0 if all are 0."""
    total, n = counts.sum(), len(counts)
    if total == 0:
        return 0.0
    rank = np.arange(1, n + 1)
    return float((2 * rank - n - 1) @ np.sort(counts) / (n * total))


def _broadest_categories(training: Interactions) -> NDArray[np.int64]:
    """Each item's broadest category as a number, -1 if unknown: int64 (n_items + 1,)."""
    numbers: dict[str, int] = {}
    paths = training.item_columns.categories
    return np.array([numbers.setdefault(path[0], len(numbers)) if path else -1 for path in paths], np.int64)


def _diversity(categories: NDArray[np.int64]) -> float:
    """Mean share of pairs of different categories. categories: (Q, k); -1 is unknown and forms no pair."""
    known = categories >= 0
    n_known = known.sum(axis=1)
    pairs = n_known * (n_known - 1) / 2  # (Q,)
    equal = np.zeros(len(categories))
    for place in range(
        categories.shape[1]
    ):  # k is at most 50; (Q, k, k) at once would not fit for many users
        later = categories[:, place + 1 :] == categories[:, place, None]
        equal += (later & known[:, place, None]).sum(axis=1)
    judged = pairs > 0
    return float(1 - (equal[judged] / pairs[judged]).mean()) if judged.any() else 0.0
