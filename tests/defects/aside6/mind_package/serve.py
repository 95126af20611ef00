"""The shop's interface: training on its log, and answers to its questions."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np
import torch

from src.interests.config import Config
from src.interests.data import Catalogue, make_loader, pad_left
from src.interests.model import InterestModel
from src.interests.trainer import Trainer


def catalogue_of(data: Any) -> Catalogue:
    numbers: dict[tuple[str, ...], int] = {(): 0}
    rows = [tuple(row)[-1:] for row in data.item_columns.categories]
    return Catalogue(data.n_items, np.array([numbers.setdefault(row, len(numbers)) for row in rows]))


class Recommender:
    def __init__(self, data: Any, config: Config, device: torch.device) -> None:
        self.config = config
        self.device = device
        ends = zip(data.offsets[1:-1], data.offsets[2:])
        histories = [np.asarray(data.items[begin:end]) for begin, end in ends]
        self.model = InterestModel(catalogue_of(data), config.model).to(device)
        loader = make_loader(
            histories,
            data.n_items,
            config.model.max_len,
            config.train.batch_size,
            config.train.n_negatives,
            config.seed,
        )
        self.trainer = Trainer(self.model, loader, config.train, device)

    def fit(self) -> Iterator[dict[str, float]]:
        for _ in range(self.config.train.epochs):
            yield self.trainer.epoch()

    def score(self, users: np.ndarray, histories: np.ndarray) -> np.ndarray:
        self.model.eval()
        past = [row[row > 0][-self.config.model.max_len :] for row in np.asarray(histories)]
        past = [row if len(row) else np.zeros(1, dtype=np.int64) for row in past]
        return self.model.scores(pad_left(past).to(self.device)).cpu().numpy()

    def state_dict(self) -> dict[str, torch.Tensor]:
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        self.model.load_state_dict(state)


def build(data: Any, *, device: str, seed: int) -> Recommender:
    torch.manual_seed(seed)
    return Recommender(data, Config(seed=seed), torch.device(device))
