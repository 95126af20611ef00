import torch
import torch.nn as nn
import torch.nn.functional as F

from registry import make, register


@register("item", "id_and_features")
class ItemTower(nn.Module):
    """ids (...) -> unit vectors (..., dim). features: long (n_items + 1, n_features), row 0 is no item"""

    def __init__(self, features, dim, dropout):
        super().__init__()
        self.register_buffer("features", features)
        self.ids = nn.Embedding(len(features), dim, padding_idx=0)
        self.tables = nn.ModuleList(nn.Embedding(int(col.max()) + 1, dim) for col in features.T)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(dim, dim)
        for table in [self.ids, *self.tables]:
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, ids):
        x = self.ids(ids)
        for column, table in enumerate(self.tables):
            x = x + table(self.features[ids, column])
        return F.normalize(self.out(self.drop(x)), dim=-1)


@register("user", "recent_mean")
class UserTower(nn.Module):
    """Mean of the items' vectors, the weight of an event halves every half_life events"""

    def __init__(self, items, half_life, hidden):
        super().__init__()
        dim = items.out.out_features
        self.items = items
        self.half_life = half_life
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim))

    def forward(self, past):
        """(B, L), padded on the right -> (B, dim)"""
        real = (past > 0).float()
        age = real.sum(1, keepdim=True) - 1 - torch.arange(past.shape[1], device=past.device)
        w = real * 0.5 ** (age.clamp(min=0) / self.half_life)
        mean = (w.unsqueeze(2) * self.items(past)).sum(1) / w.sum(1, keepdim=True).clamp(min=1e-6)
        return F.normalize(self.mlp(mean), dim=-1)


class Retrieval(nn.Module):
    def __init__(self, features, share, cfg):
        super().__init__()
        self.items = make("item", cfg, features)
        self.users = make("user", cfg, self.items)
        self.loss = make("loss", cfg, share)

    def forward(self, past, nxt):
        return self.loss(self.users(past), self.items(nxt), nxt)

    def scores(self, past):
        every = torch.arange(len(self.items.features), device=past.device)
        return self.users(past) @ self.items(every).T


@register("loss", "in_batch")
class InBatch(nn.Module):
    """Softmax over the batch's targets, less the logarithm of how often they are there"""

    def __init__(self, share, temperature):
        super().__init__()
        self.register_buffer("log_q", share.log())
        self.temperature = temperature

    def forward(self, u, v, nxt):
        logits = u @ v.T / self.temperature - self.log_q[nxt]
        same = nxt[:, None] == nxt[None, :]
        same.fill_diagonal_(False)
        gold = torch.arange(len(u), device=u.device)
        return F.cross_entropy(logits.masked_fill(same, -1e9), gold)
