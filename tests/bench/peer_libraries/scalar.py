"""The usual way to make SASRec's batches: user by user, position by position, a negative at a time, in Python."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np


class Batch(NamedTuple):
    """All (B, L) int64 tensors, left-padded with 0."""

    inputs: Any
    targets: Any
    negatives: Any


class ScalarBatches:
    """The newest max_len + 1 events of users drawn at random, as in the ports of SASRec that are copied most."""

    def __init__(self, training: Any, *, max_len: int, batch_size: int, seed: int) -> None:
        self.max_len = max_len
        self.batch_size = batch_size
        self.n_items = training.n_items
        self.rng = np.random.RandomState(seed)
        bounds = zip(training.offsets[1:-1].tolist(), training.offsets[2:].tolist())
        histories = [training.items[start:end].tolist() for start, end in bounds]
        self.histories = [history for history in histories if len(history) > 1]

    def epoch(self) -> Iterator[Batch]:
        """As many users as there are, drawn with replacement."""
        import torch

        for _ in range(-(-len(self.histories) // self.batch_size)):
            rows = [self._row() for _ in range(self.batch_size)]
            yield Batch(*(torch.from_numpy(np.array(part)) for part in zip(*rows)))

    def _row(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        history = self.histories[self.rng.randint(len(self.histories))]
        inputs, targets, negatives = (np.zeros(self.max_len, np.int64) for _ in range(3))
        following, place, taken = history[-1], self.max_len - 1, set(history)
        for item in reversed(history[:-1]):
            inputs[place], targets[place] = item, following
            negatives[place] = self._negative(taken)
            following, place = item, place - 1
            if place < 0:
                break
        return inputs, targets, negatives

    def _negative(self, taken: set[int]) -> int:
        item = self.rng.randint(1, self.n_items + 1)
        while item in taken:
            item = self.rng.randint(1, self.n_items + 1)
        return item
