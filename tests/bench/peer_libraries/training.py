"""Trains any recommender of the contract by early stopping on validation, and tells what that took."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """The best epoch answers; training ends `patience` epochs after it, or after `max_epochs`."""

    patience: int
    max_epochs: int


@dataclass(frozen=True, kw_only=True)
class Trained:
    """curve: validation after each epoch. train_s: wall time without the rankings; cpu_s: of this process, likewise."""

    curve: tuple[float, ...]
    train_s: float
    cpu_s: float


def train(
    recommender: Any, validate: Callable[[], float], stopping: Stopping, tell: Callable[[str], None]
) -> Trained:
    """Train, and leave the recommender in the state of its best epoch."""
    curve: list[float] = []
    wall_s = cpu_s = 0.0
    best: Any = None
    epochs = iter(recommender.fit())
    while len(curve) < stopping.max_epochs:
        begun, worked = time.perf_counter(), time.process_time()
        next(epochs)
        wall_s += time.perf_counter() - begun
        cpu_s += time.process_time() - worked
        curve.append(validate())
        tell(f"epoch {len(curve)}: {curve[-1]:.4f}, {wall_s / len(curve):.1f} s an epoch")
        since_best = len(curve) - 1 - int(np.argmax(curve))  # of equal epochs the first is the best
        if not since_best:
            best = copy.deepcopy(recommender.state_dict())
        if since_best >= stopping.patience:
            break
    recommender.load_state_dict(best)
    return Trained(curve=tuple(curve), train_s=wall_s, cpu_s=cpu_s)
