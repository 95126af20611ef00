"""Spearman's rank correlation: how alike two probes order models, or one probe orders users under two seeds."""

from collections.abc import Sequence

import numpy as np

from diagnosis.coevolution.view import Float64


def rank_correlation(first: Sequence[float] | Float64, second: Sequence[float] | Float64) -> float:
    """Spearman's rank correlation, -1..1, ties at their mean rank; 0 if either side is constant or empty."""
    if not len(first):
        return 0.0
    a, b = _mean_ranks(np.asarray(first)), _mean_ranks(np.asarray(second))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _mean_ranks(values: Float64) -> Float64:
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2
