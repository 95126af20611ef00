import numpy as np
import torch
from torch import Tensor


class Transitions:
    """(visitor, last product, next product) of all histories, in batches with negatives."""

    def __init__(self, histories: dict[int, list[int]], n_products: int, negatives: int, seed: int) -> None:
        rows = [(v, a, b) for v, items in histories.items() for a, b in zip(items, items[1:])]
        self.rows = np.array(rows, dtype=np.int64)
        self.seen = {v: set(items) for v, items in histories.items()}
        self.n_products = n_products
        self.negatives = negatives
        self.rng = np.random.default_rng(seed)

    def batches(self, size: int):
        """visitors (B,), last (B,), candidates (B, 1 + negatives): the true one first"""
        order = self.rng.permutation(len(self.rows))
        for start in range(0, len(order), size):
            rows = self.rows[order[start : start + size]]
            candidates = np.concatenate([rows[:, 2:], self._others(rows[:, 0])], axis=1)
            yield _tensor(rows[:, 0]), _tensor(rows[:, 1]), _tensor(candidates)

    def _others(self, visitors):
        drawn = self.rng.integers(self.n_products, size=(len(visitors), self.negatives))
        for row, visitor in enumerate(visitors):
            for column in range(self.negatives):
                while drawn[row, column] in self.seen[visitor]:
                    drawn[row, column] = self.rng.integers(self.n_products)
        return drawn


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
