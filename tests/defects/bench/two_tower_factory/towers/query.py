import torch
from torch import nn
from torch.nn import functional as F

from .layers import RecencyPool, mlp


class QueryTower(nn.Module):
    def __init__(self, item_tower, length, cfg):
        super().__init__()
        self.cfg = cfg
        self.shared = [item_tower]
        self.length = length
        self.pool = RecencyPool(length)
        self.body = mlp(3 * cfg.dim, cfg.hidden, cfg.dim, cfg.dropout)
        self.last = nn.Embedding(item_tower.id_emb.num_embeddings, cfg.dim, padding_idx=0)

    def forward(self, history):
        history = history[:, -self.length :]
        mask = history > 0
        x = self.shared[0](history)
        pooled = self.pool(x, mask)
        newest = x[:, -1]
        z = self.body(torch.cat([pooled, newest, self.last(history[:, -1])], dim=-1)) + pooled
        return F.normalize(z, dim=-1) if self.cfg.normalize else z
