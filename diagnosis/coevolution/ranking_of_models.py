"""How alike two probes order models, or one probe users: Spearman's rank correlation, ties at their mean rank."""

from collections.abc import Sequence

import numpy as np

from diagnosis.coevolution.view import Float64


def rank_correlation(first: Sequence[float] | Float64, second: Sequence[float] | Float64) -> float:
    """-1..1; 0 where either says the same of all."""
    if not len(first):
        return 0.0
    a, b = _mean_ranks(np.asarray(first)), _mean_ranks(np.asarray(second))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _mean_ranks(values: Float64) -> Float64:
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2
