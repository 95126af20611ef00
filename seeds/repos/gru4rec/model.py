"""GRU4Rec (Hidasi et al., ICLR 2016): which item comes next, by a recurrent network over the items so far.

Shapes: B histories, L events (left-padded with item 0), D dimensions.
"""

import torch
from torch import Tensor, nn

PADDING = 0


class GRU4Rec(nn.Module):
    """Item ids run from 1. The table that the network reads is also the one that its states are compared with."""

    def __init__(self, n_items: int, *, dim: int, n_layers: int, dropout: float) -> None:
        super().__init__()
        self.item_embedding = nn.Embedding(n_items + 1, dim, padding_idx=PADDING)
        self.dropout = nn.Dropout(dropout)
        self.gru = nn.GRU(dim, dim, n_layers, batch_first=True)
        nn.init.normal_(self.item_embedding.weight, std=dim**-0.5)
        with torch.no_grad():
            self.item_embedding.weight[PADDING].zero_()

    def forward(self, histories: Tensor) -> Tensor:
        """The state after each event: histories (B, L) -> (B, L, D). Every history begins with the state 0."""
        place, back = _places(histories)
        events = self.item_embedding(histories.gather(1, place))  # (B, L, D) padding is on the right
        states = self.dropout(self.gru(events)[0])
        return states.gather(1, back[:, :, None].expand_as(states))

    def scores(self, histories: Tensor) -> Tensor:
        """How well each item would come next: (B, n_items + 1)."""
        newest = self(histories)[:, -1]  # (B, D)
        return newest @ self.item_embedding.weight.T


def _places(histories: Tensor) -> tuple[Tensor, Tensor]:
    """Where each event goes to, so that padding is read after it and never before, and the way back: (B, L) each."""
    length = histories.shape[1]
    n_padding = (histories == PADDING).sum(1, keepdim=True)  # (B, 1)
    place = torch.arange(length, device=histories.device)  # (L,)
    return (place + n_padding) % length, (place - n_padding) % length
