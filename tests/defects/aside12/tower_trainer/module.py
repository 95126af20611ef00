import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, dim, heads, dropout):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(dim, heads, dropout, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, blocked):
        h = self.norm1(x)
        h, _ = self.attention(h, h, h, attn_mask=blocked, need_weights=False)
        x = x + self.dropout(h)
        return x + self.dropout(self.mlp(self.norm2(x)))


class ItemTower(nn.Module):
    def __init__(self, item_cat, dim):
        super().__init__()
        self.register_buffer("item_cat", item_cat)
        self.item_emb = nn.Embedding(len(item_cat), dim, padding_idx=0)
        self.cat_emb = nn.Embedding(int(item_cat.max()) + 1, dim, padding_idx=0)
        self.net = nn.Sequential(nn.Linear(2 * dim, dim), nn.ReLU(), nn.Linear(dim, dim))

    def forward(self, items):
        x = torch.cat([self.item_emb(items), self.cat_emb(self.item_cat[items])], dim=-1)
        return F.normalize(self.net(x), dim=-1)


class UserTower(nn.Module):
    def __init__(self, n_items, config):
        super().__init__()
        self.item_emb = nn.Embedding(n_items + 1, config.dim, padding_idx=0)
        self.pos_emb = nn.Embedding(config.max_len, config.dim)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList([Block(config.dim, config.heads, config.dropout) for _ in range(config.layers)])
        self.norm = nn.LayerNorm(config.dim)
        self.heads = config.heads

    def forward(self, items):
        """(B, T) -> (B, T, D), of each place what is expected after it"""
        T = items.shape[1]
        x = self.dropout(self.item_emb(items) + self.pos_emb.weight[-T:])
        future = torch.ones(T, T, dtype=torch.bool, device=items.device).triu(1)
        padding = (items == 0).unsqueeze(1)  # (B, 1, T)
        itself = torch.eye(T, dtype=torch.bool, device=items.device)
        blocked = (future | padding) & ~itself  # a padded place may see itself, or its softmax were empty
        blocked = blocked.repeat_interleave(self.heads, dim=0)
        for block in self.blocks:
            x = block(x, blocked)
        return F.normalize(self.norm(x), dim=-1)


class RetrievalModule(nn.Module):
    def __init__(self, item_cat, log_q, config):
        super().__init__()
        self.config = config
        self.user_tower = UserTower(len(item_cat) - 1, config)
        self.item_tower = ItemTower(item_cat, config.dim)
        self.register_buffer("log_q", log_q)
        for table in (m for m in self.modules() if isinstance(m, nn.Embedding)):
            nn.init.normal_(table.weight, std=1 / math.sqrt(config.dim))
            if table.padding_idx is not None:
                nn.init.zeros_(table.weight[table.padding_idx])

    def training_step(self, batch):
        """Softmax over the targets of the batch but the user's own, corrected for how often each is one"""
        real = batch["targets"] > 0
        u = self.user_tower(batch["inputs"])[real]  # (N, D)
        targets = batch["targets"][real]
        v = self.item_tower(targets)
        logits = u @ v.T / self.config.temperature - self.log_q[targets]
        row = real.nonzero()[:, 0]
        own = row.unsqueeze(0) == row.unsqueeze(1)
        same = targets.unsqueeze(0) == targets.unsqueeze(1)
        logits = logits.masked_fill((own | same).fill_diagonal_(False), float("-inf"))
        return F.cross_entropy(logits, torch.arange(len(targets), device=logits.device))

    def validation_step(self, batch):
        """-> hits and gains at 10 of each user; the target is the first candidate, and the last of those with its score"""
        u = self.user_tower(batch["inputs"])[:, -1]
        v = self.item_tower(batch["candidates"])
        scores = (v @ u.unsqueeze(-1)).squeeze(-1)
        rank = (scores[:, 1:] >= scores[:, :1]).sum(1)
        hit = (rank < 10).float()
        return {"val_hr": hit, "val_ndcg": hit / torch.log2(rank + 2.0)}

    def predict_step(self, inputs):
        """(B, T) -> (B, n_items + 1)"""
        u = self.user_tower(inputs)[:, -1]
        items = torch.arange(len(self.log_q), device=inputs.device)
        return u @ self.item_tower(items).T

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.config.lr, weight_decay=self.config.weight_decay)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=self.config.gamma)
        return optimizer, scheduler
