"""Sums and means over users that are equal on every processor, and exact if they can be represented exactly.

Processors, BLAS libraries and thread counts add numbers in different orders, and each order has its own rounding
error. Neither an interval that touches 0 nor a share that is printed as a whole percentage may depend on that.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]
SPARE_BITS = 52  # of the 53 bits of a float64's significand; one is left for values that are rounded up
LEAST_EXPONENT = -1_000  # a smaller power of two, or its inverse, is no float64
DECIMALS = 9  # of a mean over users; later digits are rounding errors of the users' own values


def exactly_summable(per_user: Float64) -> Float64:
    """per_user (U, ...), rounded so that any U rows, repeats included, add up without error in any order.

    The values of a column become multiples of one power of two, the smallest for which such sums fit into a float64.
    No value changes by more than `U * max(abs(column)) * 3e-16`.
    """
    largest = len(per_user) * np.abs(per_user).max(axis=0, initial=0.0)
    exponent = np.frexp(largest)[1] - SPARE_BITS
    unit = np.ldexp(1.0, np.maximum(exponent, LEAST_EXPONENT))
    return np.round(per_user / unit) * unit


def without_noise(means: ArrayLike) -> Float64:
    """means (...), rounded to DECIMALS: gains and losses that cancel out give 0, never -0, and k of n is `k / n`."""
    return np.round(np.asarray(means, np.float64), DECIMALS) + 0.0
