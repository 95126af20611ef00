from __future__ import annotations

import torch
from torch import nn

from .losses import next_item_loss, nt_xent
from .registry import register


class SequenceEncoder(nn.Module):
    """Causal transformer over right-padded sequences. Row 0 of the table is padding, row n_items + 1 the mask."""

    def __init__(self, n_items: int, hidden: int, heads: int, layers: int, dropout: float, max_len: int):
        super().__init__()
        self.n_items = n_items
        self.items = nn.Embedding(n_items + 2, hidden, padding_idx=0)
        self.positions = nn.Embedding(max_len, hidden)
        self.dropout = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            hidden, heads, 2 * hidden, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(hidden), enable_nested_tensor=False)
        self.apply(self._init)

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.05)
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                nn.init.zeros_(module.weight[module.padding_idx])

    def forward(self, seq: torch.Tensor) -> torch.Tensor:
        length = seq.shape[1]
        places = torch.arange(length, device=seq.device)
        x = self.dropout(self.items(seq) + self.positions(places))
        future = torch.ones(length, length, dtype=torch.bool, device=seq.device).triu(diagonal=1)
        return self.blocks(x, mask=future, src_key_padding_mask=seq == 0)  # (B, L, D)

    def newest(self, seq: torch.Tensor) -> torch.Tensor:
        """The state at each sequence's newest event, (B, D)."""
        last = (seq != 0).sum(dim=1).clamp(min=1) - 1
        states = self(seq)
        return states[torch.arange(len(seq), device=seq.device), last]

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """Against rows 0 to n_items; the mask is no item."""
        return states @ self.items.weight[: self.n_items + 1].T


@register("sasrec")
class SASRec(nn.Module):
    def __init__(self, n_items: int, conf: dict):
        super().__init__()
        self.encoder = SequenceEncoder(
            n_items, conf["hidden"], conf["heads"], conf["layers"], conf["dropout"], conf["max_len"]
        )

    def loss(self, batch):
        ce = next_item_loss(self.encoder.logits(self.encoder(batch.inputs)), batch.targets)
        return ce, {"ce": ce.detach()}

    def recommend(self, seq: torch.Tensor) -> torch.Tensor:
        return self.encoder.logits(self.encoder.newest(seq))


@register("cl4srec")
class CL4SRec(SASRec):
    """SASRec and a contrastive term over two augmented views of every sequence."""

    def __init__(self, n_items: int, conf: dict):
        super().__init__(n_items, conf)
        self.weight = conf["contrast"]["weight"]
        self.temperature = conf["contrast"]["temperature"]
        hidden = conf["hidden"]
        self.projector = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden))

    def loss(self, batch):
        ce, parts = super().loss(batch)
        a = self.projector(self.encoder.newest(batch.view_a))
        b = self.projector(self.encoder.newest(batch.view_b))
        cl = nt_xent(a, b, self.temperature)
        return ce + self.weight * cl, {**parts, "cl": cl.detach()}
