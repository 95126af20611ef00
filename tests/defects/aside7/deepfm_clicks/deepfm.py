"""Guo et al. 2017, with the pooled history as two more fields."""
import numpy as np
import torch
from torch import nn

ITEM, CATEGORY = 1, 2


def mlp(width, hidden, dropout):
    layers = []
    for h in hidden:
        layers += [nn.Linear(width, h), nn.ReLU(), nn.Dropout(dropout)]
        width = h
    return nn.Sequential(*layers, nn.Linear(width, 1))


class DeepFM(nn.Module):
    def __init__(self, field_dims, dim, hidden, dropout, n_numeric=3):
        super().__init__()
        offsets = np.concatenate([[0], np.cumsum(field_dims)[:-1]])
        self.register_buffer("offsets", torch.as_tensor(offsets, dtype=torch.long))
        self.table = nn.Embedding(int(sum(field_dims)), dim)
        self.linear = nn.Embedding(int(sum(field_dims)), 1)
        self.numeric = nn.Linear(n_numeric, 1)
        self.deep = mlp((len(field_dims) + 2) * dim + n_numeric, hidden, dropout)
        nn.init.normal_(self.table.weight, std=0.1)
        nn.init.zeros_(self.linear.weight)

    def pool(self, ids, field):
        """(B, L) -> (B, D): mean of those that are not padding"""
        mask = (ids > 0).unsqueeze(2).float()
        e = self.table(ids + self.offsets[field]) * mask
        return e.sum(1) / mask.sum(1).clamp(min=1)

    def pairs(self, x):
        """x (R, F, D) -> (R,): sum of the inner products of all pairs of fields"""
        square_of_sum = x.sum(1) ** 2
        sum_of_squares = (x ** 2).sum(1)
        return 0.5 * (square_of_sum - sum_of_squares).sum(1)

    def forward(self, rows):
        ids = rows.fields + self.offsets  # (R, F)
        past = torch.stack([self.pool(rows.hist, ITEM), self.pool(rows.hist_cat, CATEGORY)], dim=1)
        x = torch.cat([self.table(ids), past[rows.owner]], dim=1)  # (R, F + 2, D)
        logit = self.linear(ids).sum((1, 2)) + self.numeric(rows.numeric).squeeze(1) + self.pairs(x)
        return logit + self.deep(torch.cat([x.flatten(1), rows.numeric], dim=1)).squeeze(1)

    def squares(self, rows):
        """Mean squared norm of the rows of the table that a batch looks up"""
        return self.table(rows.fields + self.offsets).pow(2).sum(2).mean()
