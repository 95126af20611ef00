import torch
import torch.nn as nn
import torch.nn.functional as F


class UserTower(nn.Module):
    """Mean of the embeddings of what the user did, then an MLP."""

    def __init__(self, n_items, emb_dim, out_dim, dropout):
        super().__init__()
        self.hist_emb = nn.Embedding(n_items + 1, emb_dim, padding_idx=0)
        nn.init.normal_(self.hist_emb.weight, std=0.1)
        with torch.no_grad():
            self.hist_emb.weight[0] = 0
        self.drop = nn.Dropout(dropout)
        self.fc1 = nn.Linear(emb_dim, 2 * out_dim)
        self.fc2 = nn.Linear(2 * out_dim, out_dim)

    def forward(self, hist):
        mask = (hist != 0).unsqueeze(-1).float()          # [B, L, 1]
        e = self.hist_emb(hist) * mask
        pooled = e.sum(dim=1) / mask.sum(dim=1).clamp(min=1.0)
        h = F.relu(self.fc1(self.drop(pooled)))
        return F.normalize(self.fc2(h), dim=-1)


class ItemTower(nn.Module):
    """Id embedding and a projection."""

    def __init__(self, n_items, emb_dim, out_dim):
        super().__init__()
        self.emb = nn.Embedding(n_items + 1, emb_dim, padding_idx=0)
        nn.init.normal_(self.emb.weight, std=0.1)
        with torch.no_grad():
            self.emb.weight[0] = 0
        self.proj = nn.Linear(emb_dim, out_dim)

    def forward(self, items):
        return F.normalize(self.proj(self.emb(items)), dim=-1)


class TwoTower(nn.Module):
    def __init__(self, n_items, opt):
        super().__init__()
        self.n_items = n_items
        self.user_tower = UserTower(n_items, opt.emb_dim, opt.out_dim, opt.dropout)
        self.item_tower = ItemTower(n_items, opt.emb_dim, opt.out_dim)
        self.temperature = opt.temperature

    def similarity(self, hist, items):
        """[B, N] cosines divided by the temperature"""
        return self.user_tower(hist) @ self.item_tower(items).T / self.temperature

    def all_items(self):
        return self.item_tower(torch.arange(self.n_items + 1, device=self.item_tower.emb.weight.device))

    @torch.no_grad()
    def rank_scores(self, hist):
        """[B, n_items + 1] cosines with everything in the catalogue"""
        return self.user_tower(hist) @ self.all_items().T


def sampled_softmax(logits, items, log_q):
    """In-batch softmax. Row b's positive is column b.

    log_q: log probability of each column's item to be in a batch (Yi et al. 2019).
    Other columns that hold the same item as the positive are no negatives.
    """
    logits = logits - log_q.unsqueeze(0)
    same = items.unsqueeze(0) == items.unsqueeze(1)
    same.fill_diagonal_(False)
    logits = logits.masked_fill(same, float("-inf"))
    labels = torch.arange(len(items), device=items.device)
    return F.cross_entropy(logits, labels)
