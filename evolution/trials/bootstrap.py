"""Intervals over users by bootstrap (Efron 1979): of a mean, and of the difference of two paired means."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evolution.domain.trial import Metric
from seeds.metrics.exact import exactly_summable, without_noise

RESAMPLES = 1000
CONFIDENCE = 0.95
_CHUNK_DRAWS = 1 << 20


def mean_interval(values: NDArray[np.float64], seed: int) -> Metric:
    """values: (Q,), one per user. The mean and its percentile interval at 95 %; ValueError where empty."""
    return mean_intervals({"value": values}, seed)["value"]


def mean_intervals(columns: dict[str, NDArray[np.float64]], seed: int) -> dict[str, Metric]:
    """Intervals of several metrics of the same users, on the same resamples. Each column: (Q,)."""
    table = np.stack([np.asarray(values, np.float64) for values in columns.values()], axis=1)  # (Q, M)
    if not len(table):
        raise ValueError("no users: an interval needs at least one value")
    table = exactly_summable(table)
    means = resampled_means(table, seed)  # (R, M)
    tail = (1 - CONFIDENCE) / 2
    low, high = without_noise(np.quantile(means, [tail, 1 - tail], axis=0))
    value = without_noise(table.mean(axis=0))
    return {
        name: Metric(value=float(value[m]), low=float(low[m]), high=float(high[m]))
        for m, name in enumerate(columns)
    }


def paired_interval(after: NDArray[np.float64], before: NDArray[np.float64], seed: int) -> Metric:
    """Mean of `after - before` over the same users in the same order, with its interval.

    Raises ValueError where the users differ in number: the trials were not measured on the same questions.
    """
    return pooled_paired_interval([after], [before], seed)


def pooled_paired_interval(
    afters: Sequence[NDArray[np.float64]], befores: Sequence[NDArray[np.float64]], seed: int
) -> Metric:
    """The difference over several training seeds: each user's mean over the seeds of a side, then paired.

    afters, befores: one (Q,) per seed; the sides may have different numbers of seeds.
    """
    sizes = {len(values) for values in (*afters, *befores)}
    if len(sizes) != 1:
        raise ValueError(f"trials of different questions cannot be compared: {sorted(sizes)} users")
    return mean_interval(np.mean(afters, axis=0) - np.mean(befores, axis=0), seed)


def resampled_means(table: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Means of RESAMPLES resamples of the rows with replacement: table (Q, M) -> (RESAMPLES, M).

    Each resample is a row of counts, so that all means are one matrix product; exact where the table's sums are.
    """
    n = len(table)
    rng = np.random.default_rng(seed)
    per_chunk = max(1, _CHUNK_DRAWS // n)
    means = np.empty((RESAMPLES, table.shape[1]))
    for start in range(0, RESAMPLES, per_chunk):
        size = min(per_chunk, RESAMPLES - start)
        drawn = rng.integers(0, n, size=(size, n), dtype=np.int32)
        drawn += np.arange(size, dtype=np.int32)[:, None] * np.int32(n)
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        means[start : start + size] = counts @ table / n
    return means
