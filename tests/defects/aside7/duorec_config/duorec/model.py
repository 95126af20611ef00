from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from .config import ModelConfig


class Attention(nn.Module):
    """Causal attention with a learned bias for each distance instead of positions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.out = nn.Linear(config.dim, config.dim)
        self.distance = nn.Embedding(config.max_len, config.heads)
        self.dropout = nn.Dropout(config.dropout)

    def bias(self, length: int) -> Tensor:
        place = torch.arange(length, device=self.distance.weight.device)
        back = (place[:, None] - place[None, :]).clamp(min=0)
        return self.distance(back).permute(2, 0, 1)  # (H, L, L)

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        b, length, dim = x.shape
        q, k, v = self.qkv(x).view(b, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        logits = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1)) + self.bias(length)
        logits = logits.masked_fill(~allowed, torch.finfo(logits.dtype).min)
        weights = self.dropout(torch.softmax(logits, dim=-1))
        return self.out((weights @ v).transpose(1, 2).reshape(b, length, dim))


class Block(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.feed = nn.Sequential(
            nn.Linear(config.dim, 4 * config.dim), nn.GELU(), nn.Linear(4 * config.dim, config.dim)
        )
        self.norm1 = nn.LayerNorm(config.dim)
        self.norm2 = nn.LayerNorm(config.dim)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x), allowed))
        return x + self.dropout(self.feed(self.norm2(x)))


class Encoder(nn.Module):
    def __init__(self, category: np.ndarray, config: ModelConfig) -> None:
        super().__init__()
        self.register_buffer("category_of", torch.from_numpy(category))
        self.item = nn.Embedding(len(category), config.dim, padding_idx=0)
        self.category = nn.Embedding(int(category.max()) + 1, config.dim, padding_idx=0)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.dim)
        self.dropout = nn.Dropout(config.dropout)
        self.apply(self._init)

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.trunc_normal_(module.weight, std=0.05)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            nn.init.zeros_(module.weight[module.padding_idx])

    def table(self) -> Tensor:
        return self.item.weight + self.category(self.category_of)  # (n_items + 1, D)

    def forward(self, items: Tensor) -> Tensor:
        length = items.size(1)
        causal = torch.ones(length, length, dtype=torch.bool, device=items.device).tril()
        allowed = causal & (items > 0)[:, None, None, :]  # (B, 1, L, L)
        x = self.dropout(self.item(items) + self.category(self.category_of[items]))
        for block in self.blocks:
            x = block(x, allowed)
        return self.norm(x)  # (B, L, D)

    def scores(self, items: Tensor) -> Tensor:
        return self(items)[:, -1] @ self.table().T
