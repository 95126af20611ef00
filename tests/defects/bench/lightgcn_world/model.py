import torch
import torch.nn.functional as F
import world
from torch import nn


class LightGCN(nn.Module):
    def __init__(self, config, dataset):
        super().__init__()
        self.config = config
        self.num_users = dataset.n_user
        self.num_items = dataset.m_item
        dim = config["latent_dim_rec"]
        self.embedding_user = nn.Embedding(self.num_users, dim)
        self.embedding_item = nn.Embedding(self.num_items, dim)
        self.next_item = nn.Embedding(self.num_items + 1, dim, padding_idx=self.num_items)
        nn.init.normal_(self.embedding_user.weight, std=0.1)
        nn.init.normal_(self.embedding_item.weight, std=0.1)
        self.Graph = dataset.getSparseGraph()
        self.n_layers = config["lightGCN_n_layers"]

    def computer(self):
        users_emb = self.embedding_user.weight
        items_emb = self.embedding_item.weight
        all_emb = torch.cat([users_emb, items_emb])
        embs = [all_emb]
        for _ in range(self.n_layers):
            all_emb = torch.sparse.mm(self.Graph, all_emb)
            embs.append(all_emb)
        light_out = torch.mean(torch.stack(embs, dim=1), dim=1)
        users, items = torch.split(light_out, [self.num_users, self.num_items])
        return users, items

    def session(self, prev):
        """(B,) the item before, -1 for none -> (B, d)."""
        prev = torch.where(prev < 0, self.num_items, prev)
        return self.next_item(prev)

    def bpr_loss(self, users, prev, pos, neg):
        all_users, all_items = self.computer()
        who = all_users[users] + world.config["sess_weight"] * self.session(prev)
        pos_emb = all_items[pos]
        neg_emb = all_items[neg]
        pos_scores = torch.sum(who * pos_emb, dim=1)
        neg_scores = torch.sum(who * neg_emb, dim=1)
        loss = F.softplus(neg_scores - pos_scores).mean()
        reg_loss = (
            (1 / 2)
            * (
                self.embedding_user(users).norm(2).pow(2)
                + self.embedding_item(pos).norm(2).pow(2)
                + self.embedding_item(neg).norm(2).pow(2)
            )
            / float(len(users))
        )
        return loss, reg_loss

    def getUsersRating(self, users, prev):
        all_users, all_items = self.computer()
        who = all_users[users] + world.config["sess_weight"] * self.session(prev)
        return torch.matmul(who, all_items.t())
