"""Many users at one moment each, for the features of the choice model (`features.Moments`), computed for all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Float32, Int64
from simulator.transitions import Float64


@dataclass(frozen=True, kw_only=True, eq=False)
class Crowd:
    """E users, each after his own history, with J candidate items each.

    items: int64 (N,), all histories one after the other, each oldest first
    offsets: int64 (E + 1,); user e's history is `items[offsets[e]:offsets[e + 1]]`
    candidates: int64 (E, J), none of them an event of the history at this moment; 0 for none
    """

    items: Int64
    offsets: Int64
    candidates: Int64

    @classmethod
    def of(cls, histories: Sequence[Int64], candidates: Int64) -> "Crowd":
        """The users with these histories, int64 (T,) each."""
        lengths = np.array([len(history) for history in histories], dtype=np.int64)
        return cls(
            items=np.concatenate([np.zeros(0, dtype=np.int64), *histories]),
            offsets=np.concatenate([[0], np.cumsum(lengths)]),
            candidates=candidates,
        )

    @property
    def lengths(self) -> Int64:
        """See `Moments`."""
        return np.diff(self.offsets)

    def newest(self, number: int) -> Int64:
        """See `Moments`."""
        places = self.offsets[1:, None] - 1 - np.arange(number)
        there = places >= self.offsets[:-1, None]
        return np.where(there, self.items[np.where(there, places, 0)], 0) if len(self.items) else 0 * places

    @property
    def own(self) -> NDArray[np.bool_]:
        """See `Moments`: what is offered has not happened."""
        return np.zeros(self.candidates.shape, dtype=bool)

    def count(self, codes: Int64) -> Float64:
        """See `Moments`."""
        size = int(codes.max(initial=0)) + 1
        taken = np.sort(self._rows * size + codes[self.items])
        wanted = np.arange(len(self.candidates))[:, None] * size + codes[self.candidates]
        return (np.searchsorted(taken, wanted, "right") - np.searchsorted(taken, wanted)).astype(np.float64)

    def sum_of(self, rows: Float32) -> Float32:
        """See `Moments`."""
        from scipy.sparse import csr_array

        ones = np.ones(len(self.items), dtype=np.float32)
        shape = (len(self.candidates), len(rows))
        return np.asarray(csr_array((ones, self.items, self.offsets), shape=shape) @ rows, dtype=np.float32)

    def paid(self, log_price: Float64) -> tuple[Float64, Float64]:
        """See `Moments`."""
        paid, users = log_price[self.items], len(self.candidates)
        total = np.bincount(self._rows, weights=np.nan_to_num(paid), minlength=users)
        number = np.bincount(self._rows, weights=np.isfinite(paid), minlength=users)
        return total.astype(np.float64), number.astype(np.float64)

    def own_ratings(self) -> Float64 | None:
        """See `Moments`."""
        return None

    @cached_property
    def _rows(self) -> Int64:
        return np.repeat(np.arange(len(self.candidates)), self.lengths)
