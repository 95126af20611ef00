"""What the platform loads: ids there begin with 1, ours with 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn.functional import pad

from workbench.engine import Engine
from workbench.interactions import Interactions
from workbench.networks import NeuMF
from workbench.settings import get_settings


class NeuMFPlugin:
    def __init__(self, log: Interactions, device: str, seed: int) -> None:
        settings = get_settings("neumf")
        self.model = NeuMF(log.num_users, log.num_items, settings)
        self.engine = Engine(self.model, log, settings, device, seed)

    def fit(self) -> Iterator[dict[str, float]]:
        while True:
            yield {"bce": self.engine.train_an_epoch()}

    def score(self, users: np.ndarray, histories: np.ndarray) -> torch.Tensor:
        return pad(self.engine.score_all(np.asarray(users) - 1), (1, 0))

    def state_dict(self) -> dict[str, torch.Tensor]:
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        self.model.load_state_dict(state)


def build(data, *, device: str, seed: int) -> NeuMFPlugin:
    torch.manual_seed(seed)
    times = np.arange(len(data.users)) if data.timestamps is None else data.timestamps
    log = Interactions(data.users - 1, data.items - 1, times, data.n_users, data.n_items)
    return NeuMFPlugin(log, device, seed)
