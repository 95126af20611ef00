from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import ModelConfig
from .data import Catalogue


def squash(x: Tensor) -> Tensor:
    """Keeps directions, and brings norms into (0, 1)."""
    square = x.pow(2).sum(dim=-1, keepdim=True)
    return x * square / ((1 + square) * torch.sqrt(square + 1e-9))


class ItemEncoder(nn.Module):
    """An item is its own vector and that of its category."""

    def __init__(self, catalogue: Catalogue, config: ModelConfig) -> None:
        super().__init__()
        self.id = nn.Embedding(catalogue.n_items + 1, config.dim, padding_idx=0)
        self.category = nn.Embedding(catalogue.n_categories, config.dim)
        self.register_buffer("category_of", torch.from_numpy(catalogue.category))
        nn.init.normal_(self.id.weight[1:], std=config.init_std)
        nn.init.normal_(self.category.weight, std=config.init_std)

    def forward(self, items: Tensor) -> Tensor:
        return self.id(items) + self.category(self.category_of[items])

    def table(self) -> Tensor:
        """(n_items + 1, D)"""
        return self.id.weight + self.category(self.category_of)


class InterestRouter(nn.Module):
    """Routes the events of a history to K interests."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_interests = config.n_interests
        self.iterations = config.routing_iterations
        self.to_interests = nn.Linear(config.dim, config.n_interests * config.dim, bias=False)
        # drawn once: they break the symmetry between interests, and are not learned
        self.register_buffer("start", torch.randn(config.n_interests, config.max_len))

    def forward(self, events: Tensor, mask: Tensor) -> Tensor:
        """events: (B, L, D); mask: (B, L), True at events. Returns (B, K, D)."""
        batch, length, dim = events.shape
        votes = self.to_interests(events).view(batch, length, self.n_interests, dim).transpose(1, 2)  # (B, K, L, D)
        fixed = votes.detach()
        logits = self.start[:, -length:].expand(batch, -1, -1)  # (B, K, L)
        for step in range(self.iterations):
            weights = torch.softmax(logits, dim=1) * mask.unsqueeze(1)
            if step < self.iterations - 1:
                capsules = squash(torch.einsum("bkl,bkld->bkd", weights, fixed))
                logits = logits + torch.einsum("bkld,bkd->bkl", fixed, capsules)
        return squash(torch.einsum("bkl,bkld->bkd", weights, votes))


class InterestModel(nn.Module):
    def __init__(self, catalogue: Catalogue, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.items = ItemEncoder(catalogue, config)
        self.position = nn.Embedding(config.max_len, config.dim)
        self.dropout = nn.Dropout(config.dropout)
        self.router = InterestRouter(config)
        self.layers = nn.ModuleList(nn.Linear(config.dim, config.dim) for _ in range(config.n_layers))
        self.out = nn.Linear(config.dim, config.dim)
        nn.init.normal_(self.position.weight, std=config.init_std)

    def interests(self, history: Tensor) -> Tensor:
        """history: (B, L), filled up on the left. Returns (B, K, D)."""
        age = torch.arange(history.size(1) - 1, -1, -1, device=history.device)  # 0 is the newest
        events = self.dropout(self.items(history) + self.position(age))
        x = self.router(events, history > 0)
        for layer in self.layers:
            x = x + F.relu(layer(x))
        return self.out(x)

    def forward(self, history: Tensor, target: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the logits (B, 1 + N), the target first, and the interests (B, K, D)."""
        interests = self.interests(history)
        candidates = self.items(torch.cat([target.unsqueeze(1), negatives], dim=1))  # (B, 1 + N, D)
        return self.match(interests, candidates), interests

    def match(self, interests: Tensor, candidates: Tensor) -> Tensor:
        """interests: (B, K, D); candidates: (B, N, D) or (N, D). A candidate attends to the interests. Returns (B, N)."""
        affinity = interests @ candidates.transpose(-1, -2)  # (B, K, N)
        attention = torch.softmax(self.config.sharpness * affinity, dim=1)
        return (attention * affinity).sum(dim=1)

    @torch.no_grad()
    def scores(self, history: Tensor) -> Tensor:
        """(B, n_items + 1)"""
        return self.match(self.interests(history), self.items.table())
