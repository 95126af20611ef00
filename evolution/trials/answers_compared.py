"""How far two answers to the same questions are apart, whatever the scale of the scores. Pure.

Repos may mask items with large negative numbers; such columns are left out, or they alone would make the scale.
"""

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Float32, Int64

RELATIVE_TOLERANCE = 1e-3  # of the spread of a row's scores; rounding of other kernels is far below
OF_LARGEST = 1e-6
FAR_OUT = 1e4  # spreads from the median: a mask, not a score
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


def differ(one: Float32, other: Float32, without: Int64 | None = None) -> Bool:
    """Which rows differ by more than rounding: bool (B,). Column 0 is ignored.

    without: (B, k), items whose columns are ignored too, such as those that only a mask of seen items would change.
    """
    first, second, counted = _scores(one, other, without)
    tolerance = RELATIVE_TOLERANCE * spread(first, counted) + OF_LARGEST * _largest(first, counted)
    return np.where(counted, np.abs(first - second), 0.0).max(axis=1) > tolerance


def movement(one: Float32, other: Float32, without: Int64 | None = None) -> Float64:
    """Standard deviation of the scores' changes, in spreads of the scores: float64 (B,). Column 0 is ignored."""
    first, second, counted = _scores(one, other, without)
    change = np.where(counted, second - first, 0.0)
    n = np.maximum(counted.sum(axis=1), 1)
    mean = change.sum(axis=1) / n
    deviation = np.sqrt(np.maximum((change**2).sum(axis=1) / n - mean**2, 0.0))
    return deviation / np.maximum(spread(first, counted), 1e-300)


def spread(scores: Float64, counted: Bool) -> Float64:
    """Standard deviation of each row's counted scores: float64 (B,)."""
    n = np.maximum(counted.sum(axis=1), 1)
    mean = np.where(counted, scores, 0.0).sum(axis=1) / n
    return np.sqrt((np.where(counted, scores - mean[:, None], 0.0) ** 2).sum(axis=1) / n)


def unmasked(scores: Float32) -> Bool:
    """Which columns hold scores, neither padding nor masked ones: bool (B, n_items + 1).

    Masked are values far out, and those that share the row's least with others while they are far below the median.
    """
    values = scores.astype(np.float64)
    low, middle, high = np.percentile(values[:, 1:], (25, 50, 75), axis=1)
    within = np.maximum(high - low, 1e-12)[:, None]
    counted = np.abs(values - middle[:, None]) <= FAR_OUT * within
    counted[(high == low)] = True  # most scores are equal: those of a neighbourhood model, for one
    counted[:, 0] = False
    return counted


def _scores(one: Float32, other: Float32, without: Int64 | None) -> tuple[Float64, Float64, Bool]:
    counted = unmasked(one) & unmasked(other)
    if without is not None:
        np.put_along_axis(counted, without, False, axis=1)
    return one.astype(np.float64), other.astype(np.float64), counted


def _largest(scores: Float64, counted: Bool) -> Float64:
    return np.where(counted, np.abs(scores), 0.0).max(axis=1)
