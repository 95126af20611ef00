"""Trains a loop in this process under the worker's own watch, and reads what it recorded as the job would."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from diagnosis.examination import WATCHED, Watched, load_examination
from evolution.worker.guest.epoch_watch import watch_epochs
from seeds.interactions import Interactions

Epochs = Callable[[Callable[[], None]], Iterator[Any]]
HERE = Path(__file__).parent


class Recommender:
    """What the worker asks for: fit yields once an epoch."""

    def __init__(self, epochs: Epochs) -> None:
        self._epochs = epochs

    def fit(self) -> Iterator[Any]:
        return self._epochs(lambda: None)


def record(log: Interactions, make: Callable[[], Epochs], folder: Path) -> Watched:
    """The first two epochs of a loop of `loops.py`."""
    torch.set_num_threads(1)
    seen = watch_epochs(
        lambda: Recommender(make()),
        root=str(HERE),
        seconds=120,
        n_items=log.n_items,
        least_rows=min(log.n_items, log.n_users) - 1,
        folder=folder,
    )
    (folder / WATCHED).write_text(json.dumps({**seen.document, "max_epochs": 2}), encoding="utf-8")
    examination = load_examination(folder)
    assert examination is not None and examination.watched is not None
    assert not examination.watched.error, examination.watched.error
    return examination.watched
