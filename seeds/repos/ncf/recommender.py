"""Train NeuMF and answer with it. `build` is where evolverec comes in; the README says what it expects."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from batches import Batch, Batches
from model import NeuMF
from torch import Tensor

USERS_AT_ONCE = 32  # whose scores are computed together: more would only take memory


@dataclass(frozen=True)
class Settings:
    """As published, but for what the README says under "Differences"."""

    dim: int = 8
    layers: tuple[int, ...] = (64, 32, 16, 8)
    n_negatives: int = 4
    batch_size: int = 256
    learning_rate: float = 1e-3


class Recommender:
    def __init__(self, data, settings: Settings, device: torch.device, seed: int) -> None:
        self.device = device
        self.model = NeuMF(data.n_users, data.n_items, dim=settings.dim, layers=settings.layers).to(device)
        self.batches = Batches(
            data,
            n_negatives=settings.n_negatives,
            batch_size=settings.batch_size,
            device=device,
            seed=seed,
        )
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=settings.learning_rate, fused=True)

    def fit(self) -> Iterator[dict[str, float]]:
        """Train for one epoch at a time, for as long as the caller asks for another."""
        while True:
            self.model.train()
            total, n_events = torch.zeros((), device=self.device), 0
            for batch in self.batches.epoch():
                loss = self.loss(batch)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                total += loss.detach() * len(batch.users)
                n_events += len(batch.users)
            yield {"loss": float(total) / max(n_events, 1)}

    def loss(self, batch: Batch) -> Tensor:
        """Binary cross-entropy of the item that the user took against those that were not, mean over events and items."""
        items = torch.cat([batch.positives[:, None], batch.negatives], 1)  # (B, 1 + K)
        logits = self.model(batch.users, items)
        taken = torch.zeros_like(logits)
        taken[:, 0] = 1
        return F.binary_cross_entropy_with_logits(logits, taken)

    @torch.no_grad()
    def score(self, users, histories) -> Tensor:
        """users (B,), histories (B, L), which are not read -> (B, n_items + 1)."""
        self.model.eval()
        users = torch.as_tensor(users, device=self.device)
        return torch.cat([self.model.scores(part) for part in users.split(USERS_AT_ONCE)])

    def state_dict(self) -> dict[str, Tensor]:
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.model.load_state_dict(state)


def build(data, *, device: str, seed: int) -> Recommender:
    """A recommender for `data`, the training events. Same data, device and seed: same result."""
    torch.manual_seed(seed)
    return Recommender(data, Settings(), torch.device(device), seed)
