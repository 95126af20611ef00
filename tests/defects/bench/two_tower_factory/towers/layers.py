import torch
from torch import nn


def mlp(d_in, d_hidden, d_out, dropout):
    return nn.Sequential(
        nn.Linear(d_in, d_hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(d_hidden, d_out),
    )


class RecencyPool(nn.Module):
    """Weighted mean over the history; the weight of a place is learned and padding has none."""

    def __init__(self, length):
        super().__init__()
        self.logit = nn.Parameter(torch.linspace(-2.0, 1.0, length))

    def forward(self, x, mask):
        w = self.logit[-x.size(1) :].expand(x.size(0), -1)
        w = w.masked_fill(~mask, float("-inf"))
        w = torch.softmax(w, dim=1)
        w = torch.nan_to_num(w)
        return (w.unsqueeze(-1) * x).sum(1)
