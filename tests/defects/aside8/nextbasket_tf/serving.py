"""Adapter between the company's experiment platform and the ``nextbasket`` package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from nextbasket import NextItemTransformer, Sequences, Trainer, TransformerConfig, left_to_right_padding


class NextBasketRecommender:
    def __init__(self, sequences: Sequences, config: TransformerConfig, device: torch.device) -> None:
        self.config = config
        self.device = device
        self.model = NextItemTransformer(sequences.num_items, config).to(device)
        self.trainer = Trainer(self.model, sequences, config, device)

    def fit(self) -> Iterator[dict[str, float]]:
        while True:
            yield {"loss": self.trainer.train_epoch()}

    def score(self, users: np.ndarray, histories: np.ndarray) -> np.ndarray:
        tokens, lengths = left_to_right_padding(np.asarray(histories), self.config.max_len)
        self.model.eval()
        logits = self.model.predict(tokens.to(self.device), lengths.to(self.device))
        return logits.cpu().numpy()

    def item_embeddings(self) -> np.ndarray:
        return self.model.item_emb.weight.detach().cpu().numpy()

    def state_dict(self) -> dict[str, Any]:
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state)


def build(data: Any, *, device: str, seed: int) -> NextBasketRecommender:
    torch.manual_seed(seed)
    sequences = Sequences.from_events(
        users=np.asarray(data.users),
        items=np.asarray(data.items),
        timestamps=np.asarray(data.timestamps),
        num_items=int(data.n_items),
    )
    return NextBasketRecommender(sequences, TransformerConfig(seed=seed), torch.device(device))
