import torch
import torch.nn as nn
import torch.nn.functional as F


class ItemTower(nn.Module):
    def __init__(self, item_cat, dim):
        super().__init__()
        self.register_buffer("item_cat", torch.as_tensor(item_cat))
        self.id_emb = nn.Embedding(len(item_cat), dim, padding_idx=0)
        self.cat_emb = nn.Embedding(int(max(item_cat)) + 1, dim // 2, padding_idx=0)
        self.mlp = nn.Sequential(nn.Linear(dim + dim // 2, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))

    def forward(self, items):
        x = torch.cat([self.id_emb(items), self.cat_emb(self.item_cat[items])], dim=-1)
        return F.normalize(self.mlp(x), dim=-1)


class UserTower(nn.Module):
    def __init__(self, n_users, n_items, dim, dropout):
        super().__init__()
        self.user_emb = nn.Embedding(n_users + 1, dim // 2, padding_idx=0)
        self.hist_emb = nn.Embedding(n_items + 1, dim, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.mlp = nn.Sequential(nn.Linear(dim + dim // 2, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))

    def forward(self, users, history):
        mask = (history > 0).unsqueeze(-1).float()
        mean = (self.hist_emb(history) * mask).sum(1) / mask.sum(1).clamp(min=1)
        x = torch.cat([self.dropout(self.user_emb(users)), self.dropout(mean)], dim=-1)
        return F.normalize(self.mlp(x), dim=-1)


class TwoTower(nn.Module):
    def __init__(self, n_users, item_cat, log_q, dim=32, dropout=0.2, temperature=0.1):
        super().__init__()
        self.user_tower = UserTower(n_users, len(item_cat) - 1, dim, dropout)
        self.item_tower = ItemTower(item_cat, dim)
        self.register_buffer("log_q", log_q)
        self.temperature = temperature

    def loss(self, users, history, targets):
        """Softmax over the targets of the batch, corrected for how often they are drawn"""
        u = self.user_tower(users, history)
        v = self.item_tower(targets)
        logits = u @ v.T / self.temperature - self.log_q[targets]
        same = targets.unsqueeze(0) == targets.unsqueeze(1)
        same.fill_diagonal_(False)
        logits = logits.masked_fill(same, float("-inf"))
        return F.cross_entropy(logits, torch.arange(len(u), device=u.device))

    def all_items(self):
        return self.item_tower(torch.arange(self.item_tower.id_emb.num_embeddings, device=self.log_q.device))
