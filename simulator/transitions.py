"""Decayed counts of ordered pairs of events that are at most WINDOW events of one user apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Int64

Float64 = NDArray[np.float64]

WINDOW = 3  # pairs up to three events apart count
DECAY = 0.5  # each event in between halves the weight of a pair


def lag_weights() -> Float64:
    """Weight of a pair at lag 1, 2, ... WINDOW: float64 (WINDOW,)."""
    return np.power(DECAY, np.arange(WINDOW), dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Transitions:
    """Weighted counts of ordered pairs of codes in 0..size - 1; code 0 is padding and takes part in no pair.

    keys: int64 (P,), sorted, `before * size + after`
    weights: float64 (P,)
    totals: float64 (size,), the weight of all pairs that start with a code
    """

    keys: Int64
    weights: Float64
    totals: Float64
    size: int

    def weight(self, before: Int64, after: Int64) -> Float64:
        """Weight of each pair, 0 if it never occurred. The two arrays broadcast."""
        wanted = before * self.size + after
        if not len(self.keys):
            return np.zeros(wanted.shape)
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, self.weights[place], 0.0)


def count_transitions(users: Int64, codes: Int64, size: int) -> Transitions:
    """Count the pairs in a log sorted by user and time. users, codes: int64 (N,), codes below `size`."""
    keys, weights = [], []
    for lag, weight in enumerate(lag_weights(), start=1):
        before, after = codes[:-lag], codes[lag:]
        valid = (users[:-lag] == users[lag:]) & (before > 0) & (after > 0)
        keys.append(before[valid] * size + after[valid])
        weights.append(np.full(int(valid.sum()), weight))
    every_key, every_weight = np.concatenate(keys), np.concatenate(weights)
    order = np.argsort(every_key, kind="stable")
    every_key, every_weight = every_key[order], every_weight[order]
    starts = np.flatnonzero(np.diff(every_key, prepend=-1))
    summed = np.add.reduceat(every_weight, starts) if len(starts) else np.zeros(0)
    totals = np.bincount(every_key // size, weights=every_weight, minlength=size).astype(np.float64)
    return Transitions(keys=every_key[starts], weights=summed, totals=totals, size=size)
