"""Random numbers that belong to a user and an item, whatever else is asked and wherever the item stands.

So a session does not depend on who else is simulated, an item is taken or left alike at every place of a page, and the
same users meet several recommenders with the same luck, which makes their differences sharp.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.transitions import Float64


def draws(seed: int, users: ArrayLike, items: ArrayLike) -> Float64:
    """Uniform numbers in [0, 1) by splitmix64 (Steele et al. 2014). users and items broadcast."""
    with np.errstate(over="ignore"):
        mixed = _mixed(_mixed(_mixed(np.asarray(seed)) ^ np.asarray(users).astype(np.uint64)) ^ _whole(items))
    return (mixed >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def _whole(items: ArrayLike) -> NDArray[np.uint64]:
    return np.asarray(items).astype(np.uint64)


def _mixed(number: NDArray[np.generic]) -> NDArray[np.uint64]:
    z = number.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
