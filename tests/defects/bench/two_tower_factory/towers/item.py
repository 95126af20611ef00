import torch
from torch import nn
from torch.nn import functional as F

from .layers import mlp


class ItemTower(nn.Module):
    def __init__(self, features, cfg):
        super().__init__()
        d = cfg.dim
        self.cfg = cfg
        self.register_buffer("category", features["category"])
        self.register_buffer("price", features["price"])
        self.register_buffer("store", features["store"])
        self.id_emb = nn.Embedding(len(features["price"]), d, padding_idx=0)
        self.cat_emb = nn.Embedding(int(self.category.max()) + 1, d, padding_idx=0)
        self.price_emb = nn.Embedding(int(self.price.max()) + 1, d // 4)
        self.store_emb = nn.Embedding(int(self.store.max()) + 1, d // 4)
        self.body = mlp(2 * d + 2 * (d // 4), cfg.hidden, d, cfg.dropout)
        for e in (self.id_emb, self.cat_emb, self.price_emb, self.store_emb):
            nn.init.normal_(e.weight, std=0.1)

    def forward(self, ids):
        parts = [
            self.id_emb(ids),
            self.cat_emb(self.category[ids]).mean(-2),
            self.price_emb(self.price[ids]),
            self.store_emb(self.store[ids]),
        ]
        z = self.body(torch.cat(parts, dim=-1)) + self.id_emb(ids)
        return F.normalize(z, dim=-1) if self.cfg.normalize else z
