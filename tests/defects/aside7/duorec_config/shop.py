from __future__ import annotations

from typing import Any, Iterator

import numpy as np
import torch

from duorec.config import Config
from duorec.trainer import Trainer


class ShopRecommender:
    def __init__(self, data: Any, config: Config, device: torch.device) -> None:
        leaves = ["/".join(path) for path in data.item_columns.categories]
        names = {name: i for i, name in enumerate(sorted(set(leaves) - {""}), start=1)}
        category = np.array([names.get(leaf, 0) for leaf in leaves])
        sequences = [
            np.array(data.items[data.offsets[user] : data.offsets[user + 1]]) for user in range(1, data.n_users + 1)
        ]
        self.config = config
        self.trainer = Trainer(sequences, category, config, device)

    def fit(self) -> Iterator[dict[str, float]]:
        for _ in range(self.config.train.epochs):
            yield self.trainer.epoch()

    def score(self, users: np.ndarray, histories: np.ndarray) -> np.ndarray:
        return self.trainer.scores([row[row > 0] for row in np.asarray(histories)])

    def item_embeddings(self) -> np.ndarray:
        return self.trainer.average.model.table().cpu().numpy()

    def state_dict(self) -> dict[str, Any]:
        return {
            "model": self.trainer.model.state_dict(),
            "average": self.trainer.average.model.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.trainer.model.load_state_dict(state["model"])
        self.trainer.average.model.load_state_dict(state["average"])


def build(data: Any, *, device: str, seed: int) -> ShopRecommender:
    torch.manual_seed(seed)
    return ShopRecommender(data, Config(seed=seed), torch.device(device))
