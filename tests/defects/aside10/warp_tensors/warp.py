"""Factors of users and of items' features, ranked by WARP. Tensors, no modules."""
from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Iterable, Iterator

import numpy as np
import torch

from log import Batch


@dataclass(frozen=True)
class Settings:
    dim: int = 32
    n_past: int = 10
    n_rivals: int = 12
    min_count: int = 1
    batch: int = 64
    lr: float = 0.05
    l2: float = 1e-5
    epochs: int = 10
    seed: int = 0


@dataclass
class Factors:
    user: torch.Tensor  # (n_users + 1, dim)
    feat: torch.Tensor  # (n_features, dim)
    bias: torch.Tensor  # (n_features,)
    past: torch.Tensor  # (n_items + 1, dim)

    @classmethod
    def new(cls, n_users: int, n_items: int, n_features: int, dim: int, device: str) -> Factors:
        def draw(n: int) -> torch.Tensor:
            return (torch.randn(n, dim, device=device) / dim).requires_grad_()

        return cls(draw(n_users + 1), draw(n_features), torch.zeros(n_features, device=device).requires_grad_(), draw(n_items + 1))

    def __iter__(self) -> Iterator[torch.Tensor]:
        yield from (self.user, self.feat, self.bias, self.past)


@dataclass
class Ranker:
    """features (n_items + 1, F): the numbers of each item's features, its own among them"""

    f: Factors
    features: torch.Tensor

    def who(self, users: torch.Tensor, past: torch.Tensor) -> torch.Tensor:
        """(B,), (B, n) -> (B, dim): the user and the mean of what was bought"""
        there = (past > 0).float().unsqueeze(2)
        mean = (self.f.past[past] * there).sum(1) / there.sum(1).clamp(min=1)
        return self.f.user[users] + mean

    def what(self, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(...) -> (..., dim) and (...): sums over the features"""
        ids = self.features[items]
        return self.f.feat[ids].sum(-2), self.f.bias[ids].sum(-1)

    def loss(self, batch: Batch) -> torch.Tensor:
        users, past, good, bad = (torch.as_tensor(a, device=self.features.device) for a in vars(batch).values())
        w = self.who(users, past)
        v, b = self.what(torch.cat([good[:, None], bad], dim=1))
        scores = (v @ w.unsqueeze(2)).squeeze(2) + b
        pos, neg = scores[:, :1], scores[:, 1:]
        margin = 1 - pos + neg  # (B, n_rivals), above 0 where a rival comes too close
        close = margin.detach() > 0
        # the sooner a rival comes too close, the lower the item stands
        first = close.float().argmax(1)
        rank = torch.div(neg.shape[1], first + 1, rounding_mode="floor")
        weight = torch.log1p(rank.float()) * close.any(1)
        return (weight * margin[torch.arange(len(first), device=first.device), first]).mean()

    def decay(self, batch: Batch) -> torch.Tensor:
        users, good = (torch.as_tensor(a, device=self.features.device) for a in (batch.users, batch.good))
        return (self.f.user[users].pow(2) + self.what(good)[0].pow(2)).sum(1).mean()

    @torch.no_grad()
    def scores(self, users: np.ndarray, past: np.ndarray) -> np.ndarray:
        """past (B, n), newest first -> (B, n_items + 1)"""
        w = self.who(torch.as_tensor(users, device=self.features.device), torch.as_tensor(past, device=self.features.device))
        v, b = self.what(torch.arange(len(self.features), device=self.features.device))
        return (w @ v.T + b).cpu().numpy()


def learner(ranker: Ranker, s: Settings) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(list(ranker.f), lr=s.lr)


def learn(ranker: Ranker, optimizer: torch.optim.Optimizer, feed: Iterable[Batch], s: Settings) -> float:
    """One epoch; mean loss without the penalty"""
    losses = []
    for batch in feed:
        for p in ranker.f:
            p.grad = None
        loss = ranker.loss(batch)
        (loss + s.l2 * ranker.decay(batch)).backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses).mean().item()


def snapshot(ranker: Ranker) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in vars(ranker.f).items()}


def restore(ranker: Ranker, state: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, value in vars(ranker.f).items():
            value.copy_(state[name])


def describe(s: Settings) -> str:
    return ", ".join(f"{k} {v}" for k, v in asdict(s).items())
