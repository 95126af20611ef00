import torch
import torch.nn as nn
import torch.nn.functional as F


class SimGCL(nn.Module):
    """LightGCN whose vectors, propagated twice with noise, are contrasted with each other"""

    def __init__(self, config, dataset):
        super().__init__()
        self.n_users, self.n_items = dataset.n_users, dataset.n_items
        self.n_layers = config["n_layers"]
        self.eps = config["eps"]
        self.temperature = config["temperature"]
        self.user_embedding = nn.Embedding(self.n_users, config["embedding_size"])
        self.item_embedding = nn.Embedding(self.n_items, config["embedding_size"])
        nn.init.xavier_uniform_(self.user_embedding.weight)
        nn.init.xavier_uniform_(self.item_embedding.weight)
        self.register_buffer("graph", dataset.get_sparse_graph(), persistent=False)

    def forward(self, perturbed=False):
        """Vectors of all users (n, d) and items (m, d): the mean over the layers"""
        ego = torch.cat([self.user_embedding.weight, self.item_embedding.weight])
        layers = [ego]
        for _ in range(self.n_layers):
            ego = torch.sparse.mm(self.graph, ego)
            if perturbed:
                noise = F.normalize(torch.rand_like(ego), dim=-1)
                ego = ego + torch.sign(ego) * noise * self.eps
            layers.append(ego)
        final = torch.stack(layers, dim=1).mean(dim=1)
        return torch.split(final, [self.n_users, self.n_items])

    def bpr_loss(self, users, pos, neg):
        all_users, all_items = self()
        user_emb, pos_emb, neg_emb = all_users[users], all_items[pos], all_items[neg]
        pos_scores = (user_emb * pos_emb).sum(dim=-1)
        neg_scores = (user_emb * neg_emb).sum(dim=-1)
        return F.softplus(neg_scores - pos_scores).mean()

    def reg_loss(self, users, pos, neg):
        """Half the squares of the embeddings that a batch uses"""
        embs = self.user_embedding(users), self.item_embedding(pos), self.item_embedding(neg)
        return sum(emb.pow(2).sum() for emb in embs) / (2 * len(users))

    def cl_loss(self, users, items):
        """The two noisy vectors of a user or item are alike, those of different ones are not"""
        users, items = torch.unique(users), torch.unique(items)
        users_1, items_1 = self(perturbed=True)
        users_2, items_2 = self(perturbed=True)
        return self.info_nce(users_1[users], users_2[users]) + self.info_nce(items_1[items], items_2[items])

    def info_nce(self, view_1, view_2):
        view_1, view_2 = F.normalize(view_1, dim=-1), F.normalize(view_2, dim=-1)
        logits = view_1 @ view_2.T / self.temperature
        return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))

    def predict(self, users):
        """users (B,) -> (B, n_items)"""
        all_users, all_items = self()
        return all_users[users] @ all_items.T
