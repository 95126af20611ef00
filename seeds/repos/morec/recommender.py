"""Train MoRec and answer with it. `build` is where evolverec comes in; the README says what it expects."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from batches import Batch, Batches
from model import PADDING, MoRec
from text import encoder_features, item_texts, tf_idf_features
from torch import Tensor


@dataclass(frozen=True)
class Settings:
    """As published for SASRec, but for what the README says under "Differences".

    text: the item columns that an item's text is made of.
    encoder: the folder of a sentence encoder; "" for TF-IDF and SVD, n_features wide.
    """

    text: tuple[str, ...] = ("title", "categories", "store")
    encoder: str = ""
    n_features: int = 128
    dim: int = 50
    n_blocks: int = 2
    n_heads: int = 1
    dropout: float = 0.2
    max_len: int = 50
    batch_size: int = 32
    learning_rate: float = 1e-3


class Recommender:
    def __init__(self, data, settings: Settings, device: torch.device, seed: int) -> None:
        self.device = device
        self.model = MoRec(
            _features(data, settings, device),
            dim=settings.dim,
            n_blocks=settings.n_blocks,
            n_heads=settings.n_heads,
            dropout=settings.dropout,
            max_len=settings.max_len,
        ).to(device)
        self.batches = Batches(
            data, max_len=settings.max_len, batch_size=settings.batch_size, device=device, seed=seed
        )
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98), fused=True
        )

    def fit(self) -> Iterator[dict[str, float]]:
        """Train for one epoch at a time, for as long as the caller asks for another."""
        while True:
            self.model.train()
            total, n_targets = torch.zeros((), device=self.device), 0
            for batch in self.batches.epoch():
                loss = self.loss(batch)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                total += loss.detach() * len(batch.targets)
                n_targets += len(batch.targets)
            yield {"loss": float(total) / max(n_targets, 1)}

    def loss(self, batch: Batch) -> Tensor:
        """Binary cross-entropy of the item that came next against one that did not, mean over events."""
        hidden = self.model(batch.inputs)  # (B, L, D)
        positive = (hidden * self.model.items(batch.targets)).sum(-1)  # (B, L)
        negative = (hidden * self.model.items(batch.negatives)).sum(-1)  # (B, L)
        present = batch.targets != PADDING
        positive, negative = positive[present], negative[present]  # (M,)
        positive_loss = F.binary_cross_entropy_with_logits(positive, torch.ones_like(positive))
        negative_loss = F.binary_cross_entropy_with_logits(negative, torch.zeros_like(negative))
        return positive_loss + negative_loss

    @torch.no_grad()
    def score(self, users, histories) -> Tensor:
        """users (B,), histories (B, L) left-padded with 0, oldest first -> (B, n_items + 1)."""
        self.model.eval()
        return self.model.scores(torch.as_tensor(histories, device=self.device))

    @torch.no_grad()
    def item_embeddings(self) -> Tensor:
        """(n_items + 1, D), as used for scoring."""
        return self.model.items.every()

    def state_dict(self) -> dict[str, Tensor]:
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.model.load_state_dict(state)


def _features(data, settings: Settings, device: torch.device) -> Tensor:
    texts = item_texts(data, settings.text)
    if settings.encoder:
        return encoder_features(texts, settings.encoder, device)
    return tf_idf_features(texts, settings.n_features)


def build(data, *, device: str, seed: int) -> Recommender:
    """A recommender for `data`, the training events. Same data, device and seed: same result."""
    torch.manual_seed(seed)
    return Recommender(data, Settings(), torch.device(device), seed)
