"""Session-parallel loops: a lane for each of a few histories, one event of each a step, the next history where one ends."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seeds.interactions import Interactions
from tests.diagnosis.streams.loops import Epochs


def _steps(log: Interactions, plant: str, batch: int) -> Callable[[], Iterator[tuple[Any, Any, Any]]]:
    """(inputs, targets, lanes in which a history begins) of each step of an epoch; ends where no history is left for a lane."""
    rng = np.random.default_rng(4)
    histories = [log.history(user) for user in range(1, log.n_users + 1)]

    def steps() -> Iterator[tuple[Any, Any, Any]]:
        order = np.arange(len(histories)) if plant == "no-shuffle" else rng.permutation(len(histories))
        rows, waiting = [histories[i] for i in order[:batch]], list(order[batch:])
        at, fresh = [0] * batch, list(range(batch))
        while True:
            seen = [row[i] for row, i in zip(rows, at, strict=True)]
            wanted = [row[i + 1] for row, i in zip(rows, at, strict=True)]
            if plant == "exchanged":
                seen, wanted = wanted, seen
            yield torch.as_tensor(seen), torch.as_tensor(wanted), fresh
            at, fresh = [i + 1 for i in at], []
            for lane, row in enumerate(rows):
                if at[lane] + 1 >= len(row):
                    if not waiting:
                        return
                    rows[lane], at[lane] = histories[waiting.pop()], 0
                    fresh.append(lane)

    return steps


class _Cells(nn.Module):
    """(B,) items and a state (B, D) -> the new state."""

    def __init__(self, rows: int, dim: int = 8) -> None:
        super().__init__()
        self.items = nn.Embedding(rows, dim)
        self.cell = nn.GRUCell(dim, dim)
        self.out = nn.Embedding(rows, dim)

    def forward(self, items: Any, state: Any) -> Any:
        return self.cell(self.items(items), state)


def lanes(log: Interactions, plant: str = "", batch: int = 16) -> Epochs:
    """Each lane's next item against those of the other lanes and a sample for all."""
    steps = _steps(log, plant, batch)
    high = 20 if plant == "negatives-low" else log.n_items

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        model = _Cells(log.n_items)
        adam = torch.optim.Adam(model.parameters(), 1e-3)
        while True:
            state = torch.zeros(batch, 8)
            for seen, wanted, fresh in steps():
                state[fresh] = 0.0
                state = model(seen - 1, state)
                sample = torch.cat([wanted - 1, torch.randint(0, high, (32,))])
                loss = F.cross_entropy(state @ model.out(sample).T, torch.arange(batch))
                adam.zero_grad()
                loss.backward()
                adam.step()
                state = state.detach()
                step()
            yield {}

    return epochs


def lane_rows(log: Interactions, plant: str = "", batch: int = 16) -> Epochs:
    """Steps of one row each, (1, B), as a recurrent layer takes them, and all items as classes."""
    steps = _steps(log, plant, batch)

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        items, gru = nn.Embedding(log.n_items + 1, 8), nn.GRU(8, 8)
        adam = torch.optim.Adam([*items.parameters(), *gru.parameters()], 1e-3)
        while True:
            state = torch.zeros(1, batch, 8)
            for seen, wanted, fresh in steps():
                state[:, fresh] = 0.0
                told, state = gru(items(seen[None]), state)
                loss = F.cross_entropy(told[0] @ items.weight.T, wanted)
                adam.zero_grad()
                loss.backward()
                adam.step()
                state = state.detach()
                step()
            yield {}

    return epochs
