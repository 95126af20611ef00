"""Our seeds, as any repo of the contract is imported."""

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from .scalar import ScalarBatches

SEEDS = Path(__file__).resolve().parents[3] / "seeds" / "repos"
SCALAR = "sasrec, sampled in Python"


def settings(seed: str) -> dict[str, Any]:
    """The default settings of a seed."""
    return asdict(_module(seed).Settings())


class Recommender:
    """A seed; with the model SCALAR the sasrec seed, whose batches are made by a loop in Python."""

    def __init__(self, model: str, training: Any, changes: dict[str, Any], seed: int) -> None:
        import torch

        module = _module("sasrec" if model == SCALAR else model)
        torch.manual_seed(seed)
        chosen = replace(module.Settings(), **changes)
        self.inner = module.Recommender(training, chosen, torch.device("cpu"), seed)
        if model == SCALAR:
            self.inner.batches = ScalarBatches(
                training, max_len=chosen.max_len, batch_size=chosen.batch_size, seed=seed
            )
        self.fit: Callable[[], Iterator[Any]] = self.inner.fit
        self.state_dict: Callable[[], Any] = self.inner.state_dict
        self.load_state_dict: Callable[[Any], None] = self.inner.load_state_dict

    def score(self, users: np.ndarray, histories: np.ndarray) -> np.ndarray:
        """users (B,), histories (B, L) -> (B, n_items + 1)."""
        return self.inner.score(users, histories).numpy()

    def read_by(self, limit: Callable[..., Iterable[Any]]) -> None:
        """Have training batches counted and ended by `limit`, as speed is measured."""
        self.inner.batches = _Limited(self.inner.batches, limit)


class _Limited:
    def __init__(self, batches: Any, limit: Callable[..., Iterable[Any]]) -> None:
        self._limited = limit(_Epochs(batches), lambda batch: int((batch.targets != 0).sum()))

    def epoch(self) -> Iterator[Any]:
        return iter(self._limited)


class _Epochs:
    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        return iter(self._batches.epoch())


def _module(seed: str) -> Any:
    """The seed's own module; its folder stays on the module path, so a process knows one seed."""
    folder = str(SEEDS / seed)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("recommender")
