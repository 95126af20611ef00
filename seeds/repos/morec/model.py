"""MoRec (Yuan et al., SIGIR 2023) on SASRec: items are known by what is said of them, and by no id.

Which item comes next is told by causal self-attention over the items so far.

Shapes: B histories, L events (left-padded with item 0), D dimensions, H heads.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PADDING = 0


class SelfAttention(nn.Module):
    """Every event looks at itself and at earlier events."""

    def __init__(self, dim: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.dropout = dropout
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, x: Tensor, visible: Tensor) -> Tensor:
        batch, length, dim = x.shape
        heads = self.query_key_value(x).view(batch, length, 3, self.n_heads, dim // self.n_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # (B, H, L, D / H) each
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=visible, dropout_p=dropout)
        return self.output(mixed.transpose(1, 2).reshape(batch, length, dim))


class Block(nn.Module):
    """Attention, then the same two-layer network at every position; each added to what came in."""

    def __init__(self, dim: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, n_heads, dropout)
        self.feed_forward_norm = nn.LayerNorm(dim)
        self.feed_forward = nn.Sequential(
            nn.Linear(dim, dim), nn.ReLU(), nn.Dropout(dropout), nn.Linear(dim, dim), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor, visible: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x), visible)
        return x + self.feed_forward(self.feed_forward_norm(x))


class ItemEncoder(nn.Module):
    """Makes an item's vector of its text's features, which stay as they are."""

    def __init__(self, features: Tensor, dim: int) -> None:
        super().__init__()
        self.register_buffer("features", features)  # (n_items + 1, F) float32
        self.network = nn.Sequential(nn.Linear(features.shape[1], dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, items: Tensor) -> Tensor:
        """items (...) -> (..., D), 0 for padding."""
        return self.network(self.features[items]) * (items != PADDING)[..., None]

    def every(self) -> Tensor:
        """The vectors of all items: (n_items + 1, D)."""
        return self(torch.arange(len(self.features), device=self.features.device))


class MoRec(nn.Module):
    """Item ids run from 1. Positions count back from the newest event, so that padding changes nothing."""

    def __init__(
        self, features: Tensor, *, dim: int, n_blocks: int, n_heads: int, dropout: float, max_len: int
    ) -> None:
        super().__init__()
        self.dim = dim
        self.max_len = max_len
        self.items = ItemEncoder(features, dim)
        self.position_embedding = nn.Embedding(max_len, dim)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(dim, n_heads, dropout) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(dim)
        self.apply(_initialize)

    def forward(self, histories: Tensor) -> Tensor:
        """What follows each event: histories (B, L), L at most max_len -> (B, L, D)."""
        length = histories.shape[1]
        present = histories != PADDING  # (B, L)
        position = torch.arange(length - 1, -1, -1, device=histories.device)  # (L,) the newest event is 0
        x = self.items(histories) * self.dim**0.5
        x = self.dropout(x + self.position_embedding(position))
        x = x * present[:, :, None]
        visible = _visible(present)
        for block in self.blocks:
            x = block(x, visible)
        return self.norm(x)

    def scores(self, histories: Tensor) -> Tensor:
        """How well each item would come next: (B, n_items + 1)."""
        newest = self(histories[:, -self.max_len :])[:, -1]  # (B, D)
        return newest @ self.items.every().T


def _visible(present: Tensor) -> Tensor:
    """Which event may look at which: (B, 1, L, L). Padding may look at itself, or its softmax would be NaN."""
    length = present.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=present.device).tril()
    itself = torch.eye(length, dtype=torch.bool, device=present.device)
    return (causal & present[:, None, None, :]) | itself


def _initialize(module: nn.Module) -> None:
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
