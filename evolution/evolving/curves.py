"""Figures that compare strategies over seeds: best objective by trials, trials to a goal, and how often ideas hit.

A trial here is the first trial of a candidate, in the order of the run. The further seeds of promising candidates
follow the same rule in every strategy and are counted in a run's `spent` only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolution.domain.run import Run
from evolution.domain.run import best_so_far as reached_by

Float64 = NDArray[np.float64]
RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A mean over seeds with its 95 % percentile bootstrap interval; low and high are None for a single seed."""

    value: float
    low: float | None
    high: float | None
    seeds: int


def best_so_far(run: Run, length: int) -> Float64:
    """The best objective after 0, 1, ... trials: float64 (length + 1,). A run that ended early keeps its last value."""
    best = reached_by(run)[: length + 1] or [0.0]
    return np.array(best + [best[-1]] * (length + 1 - len(best)))


def trials_to_reach(run: Run, goal: float, length: int) -> int:
    """Trials until the best objective reaches `goal`; length + 1 if it does not within `length` trials."""
    reached = np.flatnonzero(best_so_far(run, length) >= goal)
    return int(reached[0]) if len(reached) else length + 1


def over_seeds(values: Sequence[float] | Float64, seed: int = 0) -> Spread:
    """The mean of one value per seed, with its interval. seed: of the bootstrap."""
    array = np.asarray(values, dtype=np.float64)
    if len(array) < 2:
        return Spread(value=float(array.mean()), low=None, high=None, seeds=len(array))
    means = _resampled(array, seed)
    low, high = np.percentile(means, [2.5, 97.5])
    return Spread(value=float(array.mean()), low=float(low), high=float(high), seeds=len(array))


def ratio(ours: Sequence[float], theirs: Sequence[float], seed: int = 0) -> Spread:
    """Mean of ours over mean of theirs; for the interval each side is resampled over its own seeds."""
    mine, other = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    value = float(mine.mean() / other.mean())
    if min(len(mine), len(other)) < 2:
        return Spread(value=value, low=None, high=None, seeds=min(len(mine), len(other)))
    low, high = np.percentile(_resampled(mine, seed) / _resampled(other, seed + 1), [2.5, 97.5])
    return Spread(value=value, low=float(low), high=float(high), seeds=min(len(mine), len(other)))


def _resampled(values: Float64, seed: int) -> Float64:
    rng = np.random.default_rng(seed)
    return values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1)


def best_known(runs: Sequence[Run]) -> float:
    """The highest objective of any program in any of the runs."""
    return max(node.objective.value for run in runs for node in run.nodes if node.objective)


def hits(runs: Sequence[Run]) -> Mapping[str, tuple[int, int]]:
    """proposer -> (targets that moved as intended, targets addressed), over all measured candidates."""
    counted: dict[str, tuple[int, int]] = {}
    for node in (node for run in runs for node in run.nodes):
        if node.idea is not None and node.moved:
            good, all_ = counted.get(node.idea.proposer, (0, 0))
            moved = sum(target.as_intended for target in node.moved)
            counted[node.idea.proposer] = (good + moved, all_ + len(node.moved))
    return counted
