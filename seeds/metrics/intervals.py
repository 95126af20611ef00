"""A mean over users with its 95 % interval, by percentile bootstrap (Efron 1979)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seeds.metrics.exact import exactly_summable, without_noise

RESAMPLES = 1000
CONFIDENCE = (2.5, 97.5)  # percentiles


@dataclass(frozen=True, kw_only=True)
class MeanInterval:
    """A mean with its 95 % interval [low, high]."""

    value: float
    low: float
    high: float


def mean_over_users(values: ArrayLike, seed: int | np.random.Generator) -> MeanInterval:
    """Mean and interval of one number per user, (Q,). Raises ValueError if there is no user."""
    per_user = np.asarray(values, dtype=np.float64)
    if not per_user.size:
        raise ValueError("no user to average over")
    per_user = exactly_summable(per_user)
    bounds = np.percentile(_resampled_means(per_user, np.random.default_rng(seed)), CONFIDENCE)
    value, low, high = without_noise(np.array([per_user.mean(), *bounds])).tolist()
    return MeanInterval(value=value, low=low, high=high)


def _resampled_means(per_user: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Means of RESAMPLES bootstrap samples: float64 (RESAMPLES,).

    Drawn as multinomial counts over the distinct values: per-user metrics take few values, so this is
    far cheaper than drawing users, and the same distribution.
    """
    distinct, counts = np.unique(per_user, return_counts=True)
    drawn = rng.multinomial(len(per_user), counts / len(per_user), size=RESAMPLES)  # (RESAMPLES, n_distinct)
    return drawn @ distinct / len(per_user)
