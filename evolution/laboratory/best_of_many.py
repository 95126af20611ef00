"""The gain of a patch that was chosen among several by the same users, corrected for having been chosen. Pure.

Whoever looks at n candidates and takes the best takes the luckiest too: the luck of its seed, and of these users. The lower
bound is that of the largest of n studentised means under resamples of the users (White 2000, Romano & Wolf 2005), so
candidates that are right and wrong for the same users count as fewer than n. Only the first seed chose: the error of the
mean over all seeds is split into the part that goes along with the first seed's, which is taken to be the largest of n,
and the rest, which was not looked at. With one seed this is the bound of the largest of n, and each further seed brings it
nearer to the usual one.

The estimate takes off what a candidate of the same rank gains by being ranked, in resamples about means that are drawn
together as far as noise explains how they differ (James & Stein 1961).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolution.trials.bootstrap import CONFIDENCE, RESAMPLES, resampled_means
from seeds.metrics.exact import exactly_summable, without_noise

Float64 = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is left of a mean difference once the choice is taken into account.

    change: the estimate, at most the plain mean. low: lower end of its 95 % interval, whose upper end is the plain one.
    p: the chance that the largest of as many candidates without any gain comes out as well, one-sided.
    """

    change: float
    low: float
    p: float


def corrected(seeds: Sequence[Float64], rivals: Sequence[Float64], *, unseen: int = 0, seed: int) -> Chosen:
    """The mean over users and seeds of a chosen candidate's difference from its parent, corrected.

    seeds: (Q,) per training seed of it, the one that it was chosen by first; rivals: (Q,) per other candidate, of that
    seed. unseen: other candidates without values per user, such as pruned ones; they count as independent of all others.
    seed: of the resampling.
    """
    first, pooled = seeds[0], np.mean(seeds, axis=0)  # (Q,)
    table = exactly_summable(np.stack([first, *rivals], axis=1))  # (Q, n), the chosen one first
    mean = float(without_noise(pooled.mean()))
    noise = resampled_means(table, seed) - table.mean(axis=0)  # (R, n)
    share, rest = _split(first, pooled)
    rng = np.random.default_rng([seed, len(rivals), unseen])
    largest = _largest(noise, rng.standard_normal((RESAMPLES, unseen)))  # (R,)
    error = share * noise[:, 0].std() * largest + rest * rng.standard_normal(RESAMPLES)
    low = mean - float(np.quantile(error, (1 + CONFIDENCE) / 2))
    luck = share * _luck(table.mean(axis=0), noise)
    return Chosen(
        change=float(without_noise(max(low, mean - luck))),
        low=float(without_noise(low)),
        p=float((1 + np.sum(error >= mean)) / (1 + RESAMPLES)),
    )


def _split(first: Float64, pooled: Float64) -> tuple[float, float]:
    """How the pooled mean's error follows from the first seed's: its slope, and the deviation of what is left."""
    variance = float(np.var(first))
    slope = float(np.cov(first, pooled, bias=True)[0, 1]) / variance if variance else 1.0
    left = float(np.var(pooled - slope * first))
    return slope, float(np.sqrt(left / len(first)))


def _largest(noise: Float64, independent: Float64) -> Float64:
    """The largest studentised mean of each resample: noise (R, n), independent (R, m) -> (R,)."""
    deviation = noise.std(axis=0)
    studentised = noise / np.where(deviation > 0, deviation, 1.0)
    return np.concatenate([studentised, independent], axis=1).max(axis=1)


def _luck(means: Float64, noise: Float64) -> float:
    """How much too high a candidate of the first one's rank stands on average, at least 0. means (n,), noise (R, n)."""
    if len(means) < 2:
        return 0.0
    observed = float(np.var(means, ddof=1))
    explained = float(np.var(noise, axis=1, ddof=1).mean())
    kept = max(0.0, 1 - explained / observed) if observed else 0.0
    true = means.mean() + kept * (means - means.mean())
    drawn = true + noise
    rank = int(np.sum(means > means[0]))
    at_rank = np.argsort(-drawn, axis=1, kind="stable")[:, rank]  # (R,)
    lucky = np.take_along_axis(noise, at_rank[:, None], axis=1)
    return max(0.0, float(lucky.mean()))
