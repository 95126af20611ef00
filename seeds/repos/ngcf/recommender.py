"""Train NGCF and answer with it. `build` is where evolverec comes in; the README says what it expects."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from batches import Batch, Batches
from graph import normalized_graph
from model import GraphRecommender
from torch import Tensor


@dataclass(frozen=True)
class Settings:
    """As published, but for what the README says under "Differences".

    simplified: LightGCN in place of NGCF; its paper takes weight_decay 1e-4.
    """

    dim: int = 64
    n_layers: int = 3
    dropout: float = 0.1
    simplified: bool = False
    weight_decay: float = 1e-5
    n_steps: int = 100
    smallest_batch: int = 64
    learning_rate: float = 1e-3


class Recommender:
    def __init__(self, data, settings: Settings, device: torch.device, seed: int) -> None:
        self.device = device
        self.weight_decay = settings.weight_decay
        self.model = GraphRecommender(
            normalized_graph(data, device),
            data.n_users,
            data.n_items,
            dim=settings.dim,
            n_layers=settings.n_layers,
            dropout=settings.dropout,
            simplified=settings.simplified,
        ).to(device)
        self.batches = Batches(
            data, n_steps=settings.n_steps, smallest=settings.smallest_batch, device=device, seed=seed
        )
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=settings.learning_rate, fused=True)

    def fit(self) -> Iterator[dict[str, float]]:
        """Train for one epoch at a time, for as long as the caller asks for another."""
        while True:
            self.model.train()
            total, n_events = torch.zeros((), device=self.device), 0
            for batch in self.batches.epoch():
                loss = self.loss(batch) + self.weight_decay * self.length(batch)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                total += loss.detach() * len(batch.users)
                n_events += len(batch.users)
            yield {"loss": float(total) / max(n_events, 1)}

    def loss(self, batch: Batch) -> Tensor:
        """BPR: the item that the user took should score above the one that was not, mean over events."""
        users, items = self.model()
        user = users[batch.users]  # (B, V)
        positive = (user * items[batch.positives]).sum(1)  # (B,)
        negative = (user * items[batch.negatives]).sum(1)  # (B,)
        return -F.logsigmoid(positive - negative).mean()

    def length(self, batch: Batch) -> Tensor:
        """Half the squared length of what users and items are before the graph, mean over events."""
        own = self.model.user_embedding(batch.users)  # (B, D)
        of_items = self.model.item_embedding(torch.stack([batch.positives, batch.negatives]))  # (2, B, D)
        return (own.square().sum() + of_items.square().sum()) / (2 * len(own))

    @torch.no_grad()
    def score(self, users, histories) -> Tensor:
        """users (B,), histories (B, L), which are not read -> (B, n_items + 1)."""
        self.model.eval()
        of_users, of_items = self.model()
        return of_users[torch.as_tensor(users, device=self.device)] @ of_items.T

    @torch.no_grad()
    def item_embeddings(self) -> Tensor:
        """(n_items + 1, V), as used for scoring."""
        self.model.eval()
        return self.model()[1]

    def state_dict(self) -> dict[str, Tensor]:
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.model.load_state_dict(state)


def build(data, *, device: str, seed: int) -> Recommender:
    """A recommender for `data`, the training events. Same data, device and seed: same result."""
    torch.manual_seed(seed)
    return Recommender(data, Settings(), torch.device(device), seed)
