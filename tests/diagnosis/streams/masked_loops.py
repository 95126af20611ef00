"""Trainings that hide events and name them, in two shapes: classes with holes, and the hidden places alone."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from seeds.interactions import Interactions
from tests.diagnosis.streams.loops import D, padded
from tests.diagnosis.streams.recorder import Epochs

IGNORED = -100
WIDTH = 20


def histories(log: Interactions, plant: str) -> list[Any]:
    """All users' events, oldest first."""
    found = [log.history(user) for user in range(1, log.n_users + 1)]
    if plant == "newest-first":
        return [history[::-1] for history in found]
    if plant == "by-id":
        return [np.sort(history) for history in found]
    return found


def hide(rows: Any, mask: int, plant: str) -> tuple[Any, Any]:
    """What is read, and the class of each place: (B, T) both."""
    hidden = torch.rand(rows.shape) < 0.25
    if plant != "padding-chosen":
        hidden &= rows > 0
    inputs = rows.masked_fill(hidden, mask)
    if plant == "corrupted":  # BERT's: a tenth of them random, a tenth as they are
        kind = torch.rand(rows.shape)
        inputs = torch.where(hidden & (kind > 0.9), torch.randint(1, mask, rows.shape), inputs)
        inputs = torch.where(hidden & (kind < 0.1), rows, inputs)
    if plant == "labels-after":
        return inputs, inputs.masked_fill(~hidden, IGNORED)
    if plant == "labels-everywhere":
        return inputs, rows.masked_fill(rows == 0, IGNORED)
    return inputs, rows.masked_fill(~hidden, IGNORED)


def with_holes(log: Interactions, plant: str = "") -> Epochs:
    """Scores of all places, most of which have no class."""
    return _epochs(log, plant, lambda scores, classes: F.cross_entropy(scores.transpose(1, 2), classes))


def packed(log: Interactions, plant: str = "") -> Epochs:
    """Scores of the places that have a class, in a row."""

    def loss(scores: Any, classes: Any) -> Any:
        chosen = classes != IGNORED
        return F.cross_entropy(scores[chosen], classes[chosen])

    return _epochs(log, plant, loss)


def _epochs(log: Interactions, plant: str, loss: Callable[[Any, Any], Any]) -> Epochs:
    rows = torch.from_numpy(padded(histories(log, plant), WIDTH))
    mask = log.n_items + (plant != "mask-is-an-item")

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        items, out = nn.Embedding(log.n_items + 2, D, padding_idx=0), nn.Linear(D, log.n_items + 2)
        adam = torch.optim.Adam([*items.parameters(), *out.parameters()], 1e-3)
        while True:
            for part in torch.randperm(len(rows)).split(32):
                inputs, classes = hide(rows[part], mask, plant)
                states = items(inputs) + items(inputs).mean(1, keepdim=True)
                adam.zero_grad()
                loss(out(states), classes).backward()
                adam.step()
                step()
            yield {}

    return epochs
