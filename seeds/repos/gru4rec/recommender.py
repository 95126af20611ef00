"""Train GRU4Rec and answer with it. `build` is where evolverec comes in; the README says what it expects."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from batches import Batch, Batches
from model import PADDING, GRU4Rec
from torch import Tensor


@dataclass(frozen=True)
class Settings:
    """As published for its TOP1 loss, but for what the README says under "Differences"."""

    dim: int = 100
    n_layers: int = 1
    dropout: float = 0.5
    max_len: int = 50
    batch_size: int = 32
    learning_rate: float = 0.05


class Recommender:
    def __init__(self, data, settings: Settings, device: torch.device, seed: int) -> None:
        self.device = device
        self.model = GRU4Rec(
            data.n_items, dim=settings.dim, n_layers=settings.n_layers, dropout=settings.dropout
        ).to(device)
        self.batches = Batches(
            data, max_len=settings.max_len, batch_size=settings.batch_size, device=device, seed=seed
        )
        self.optimizer = torch.optim.Adagrad(self.model.parameters(), lr=settings.learning_rate)

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
        """TOP1 (eq. 6): what came next scores above the other targets at its place of the batch, and these near 0."""
        hidden = self.model(batch.inputs).transpose(0, 1)  # (L, B, D)
        targets = batch.targets.T  # (L, B)
        scores = hidden @ self.model.item_embedding(targets).transpose(
            1, 2
        )  # (L, B, B) a row's target on the diagonal
        positive = scores.diagonal(dim1=1, dim2=2)[:, :, None]  # (L, B, 1)
        ranked = torch.sigmoid(scores - positive) + torch.sigmoid(scores**2)
        present = targets != PADDING
        compared = present[:, :, None] & present[:, None, :] & (targets[:, :, None] != targets[:, None, :])
        per_event = (ranked * compared).sum(2) / compared.sum(2).clamp(min=1)  # (L, B)
        return per_event[present].mean()

    @torch.no_grad()
    def score(self, users, histories) -> Tensor:
        """users (B,), histories (B, L) left-padded with 0, oldest first -> (B, n_items + 1)."""
        self.model.eval()
        return self.model.scores(torch.as_tensor(histories, device=self.device))

    def item_embeddings(self) -> Tensor:
        """(n_items + 1, D), as used for scoring."""
        return self.model.item_embedding.weight.detach()

    def state_dict(self) -> dict[str, Tensor]:
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.model.load_state_dict(state)


def build(data, *, device: str, seed: int) -> Recommender:
    """A recommender for `data`, the training events. Same data, device and seed: same result."""
    torch.manual_seed(seed)
    return Recommender(data, Settings(), torch.device(device), seed)
