"""HR@k and NDCG@k of one target among candidates."""

from __future__ import annotations

import numpy as np


class Ranks:
    """Collects the rank of each target, 0 is first; a tie counts half."""

    def __init__(self, k: int) -> None:
        self.k = k
        self.ranks: list[np.ndarray] = []

    def add(self, scores: np.ndarray, is_target: np.ndarray) -> None:
        """Both (batch, candidates), with one target in each row."""
        target = scores[is_target][:, None]
        higher = (scores > target).sum(axis=1)
        ties = (scores == target).sum(axis=1) - 1
        self.ranks.append(higher + ties / 2)

    def _all(self) -> np.ndarray:
        return np.concatenate(self.ranks)

    def hit_ratio(self) -> float:
        return float((self._all() < self.k).mean())

    def ndcg(self) -> float:
        rank = self._all()
        gain = 1.0 / np.log2(rank + 2)
        return float(np.where(rank < self.k, gain, 0.0).mean())
