import torch
import torch.nn as nn
import torch.nn.functional as F

from layers import LocalAttention, RecurrentMixer, RMSNorm


class GatedMLP(nn.Module):
    def __init__(self, dim, expand=2):
        super().__init__()
        self.up = nn.Linear(dim, 2 * expand * dim)
        self.down = nn.Linear(expand * dim, dim)

    def forward(self, x):
        value, gate = self.up(x).chunk(2, dim=-1)
        return self.down(value * F.gelu(gate))


class Block(nn.Module):
    def __init__(self, kind, cfg):
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(cfg.dim), RMSNorm(cfg.dim)
        if kind == "r":
            self.mixer = RecurrentMixer(cfg.dim)
        else:
            self.mixer = LocalAttention(cfg.dim, cfg.heads, cfg.window, cfg.dropout)
        self.mlp = GatedMLP(cfg.dim)
        self.drop = nn.Dropout(cfg.dropout)

    def forward(self, x, real):
        x = x + self.drop(self.mixer(self.norm1(x), real))
        return x + self.drop(self.mlp(self.norm2(x)))


class HawkRec(nn.Module):
    def __init__(self, n_items, cfg):
        super().__init__()
        self.cfg = cfg
        self.n_items = n_items
        self.items = nn.Embedding(n_items + 1, cfg.dim, padding_idx=0)
        self.popularity = nn.Parameter(torch.zeros(n_items + 1))
        self.blocks = nn.ModuleList(Block(kind, cfg) for kind in cfg.layout)
        self.norm = RMSNorm(cfg.dim)
        self.drop = nn.Dropout(cfg.dropout)
        self.apply(self._init)

    @staticmethod
    def _init(module):
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.05)
            module.weight.data[0] = 0

    def encode(self, seq):
        """(B, L) ids -> (B, L, D)"""
        real = seq != 0
        x = self.drop(self.items(seq) * self.cfg.dim ** 0.5)
        for block in self.blocks:
            x = block(x, real)
        return self.norm(x)

    def logits(self, h):
        return h @ self.items.weight.T + self.popularity

    def training_loss(self, seq, target):
        logits = self.logits(self.encode(seq))
        return F.cross_entropy(
            logits.flatten(0, 1), target.flatten(), ignore_index=0, label_smoothing=self.cfg.smoothing
        )

    @torch.no_grad()
    def predict(self, seq):
        return self.logits(self.encode(seq)[:, -1])
