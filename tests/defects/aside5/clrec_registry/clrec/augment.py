"""Crop, mask and reorder of CL4SRec. Each takes the items of one sequence, oldest first, and returns a view of it."""

from __future__ import annotations

import numpy as np


class Augmenter:
    def __init__(self, conf: dict, mask_id: int, seed: int):
        self.conf = conf
        self.mask_id = mask_id
        self.rng = np.random.default_rng(seed)
        self.operations = (self.crop, self.mask, self.reorder)

    def _window(self, n: int, ratio: float) -> tuple[int, int]:
        size = max(1, int(n * ratio))
        start = int(self.rng.integers(0, n - size + 1))
        return start, start + size

    def crop(self, items: np.ndarray) -> np.ndarray:
        start, stop = self._window(len(items), self.conf["crop"])
        return items[start:stop]

    def mask(self, items: np.ndarray) -> np.ndarray:
        hidden = self.rng.random(len(items)) < self.conf["mask"]
        return np.where(hidden, self.mask_id, items)

    def reorder(self, items: np.ndarray) -> np.ndarray:
        start, stop = self._window(len(items), self.conf["reorder"])
        view = items.copy()
        view[start:stop] = self.rng.permutation(view[start:stop])
        return view

    def two_views(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first, second = self.rng.choice(len(self.operations), size=2, replace=False)
        return self.operations[first](items), self.operations[second](items)
