import torch
from dataloader import BasicDataset
from torch import nn


class PairWiseModel(nn.Module):
    def __init__(self):
        super(PairWiseModel, self).__init__()

    def getUsersRating(self, users):
        raise NotImplementedError

    def bpr_loss(self, users, pos, neg):
        """returns the bpr loss and the l2 term of one batch"""
        raise NotImplementedError


class PureMF(PairWiseModel):
    def __init__(self, config: dict, dataset: BasicDataset):
        super(PureMF, self).__init__()
        self.embedding_user = nn.Embedding(dataset.n_users, config["latent_dim_rec"])
        self.embedding_item = nn.Embedding(dataset.m_items, config["latent_dim_rec"])
        self.f = nn.Sigmoid()

    def getUsersRating(self, users):
        return self.f(self.embedding_user(users.long()) @ self.embedding_item.weight.t())

    def bpr_loss(self, users, pos, neg):
        u, p, n = self.embedding_user(users), self.embedding_item(pos), self.embedding_item(neg)
        loss = nn.functional.softplus((u * n).sum(1) - (u * p).sum(1)).mean()
        reg = 0.5 * (u.norm(2).pow(2) + p.norm(2).pow(2) + n.norm(2).pow(2)) / float(len(users))
        return loss, reg


class LightGCN(PairWiseModel):
    def __init__(self, config: dict, dataset: BasicDataset):
        super(LightGCN, self).__init__()
        self.config = config
        self.dataset = dataset
        self.__init_weight()

    def __init_weight(self):
        self.num_users = self.dataset.n_users
        self.num_items = self.dataset.m_items
        self.latent_dim = self.config["latent_dim_rec"]
        self.n_layers = self.config["n_layers"]
        self.keep_prob = self.config["keep_prob"]
        self.embedding_user = nn.Embedding(self.num_users, self.latent_dim)
        self.embedding_item = nn.Embedding(self.num_items, self.latent_dim)
        nn.init.normal_(self.embedding_user.weight, std=0.1)
        nn.init.normal_(self.embedding_item.weight, std=0.1)
        self.f = nn.Sigmoid()
        self.Graph = self.dataset.getSparseGraph()

    def __drop_edges(self, x, keep_prob):
        kept = torch.rand(x._nnz(), device=x.device) < keep_prob
        return torch.sparse_coo_tensor(x.indices()[:, kept], x.values()[kept] / keep_prob, x.size())

    def computer(self):
        """propagates; returns all users and all items"""
        all_emb = torch.cat([self.embedding_user.weight, self.embedding_item.weight])
        graph = self.Graph
        if self.config["dropout"] and self.training:
            graph = self.__drop_edges(self.Graph, self.keep_prob)
        embs = [all_emb]
        for layer in range(self.n_layers):
            all_emb = torch.sparse.mm(graph, all_emb)
            embs.append(all_emb)
        light_out = torch.mean(torch.stack(embs, dim=1), dim=1)
        return torch.split(light_out, [self.num_users, self.num_items])

    def getUsersRating(self, users):
        all_users, all_items = self.computer()
        return self.f(torch.matmul(all_users[users.long()], all_items.t()))

    def bpr_loss(self, users, pos, neg):
        all_users, all_items = self.computer()
        pos_scores = torch.sum(all_users[users] * all_items[pos], dim=1)
        neg_scores = torch.sum(all_users[users] * all_items[neg], dim=1)
        loss = torch.mean(nn.functional.softplus(neg_scores - pos_scores))
        first = [self.embedding_user(users), self.embedding_item(pos), self.embedding_item(neg)]
        reg_loss = 0.5 * sum(e.norm(2).pow(2) for e in first) / float(len(users))
        return loss, reg_loss

    def forward(self, users, items):
        all_users, all_items = self.computer()
        return torch.sum(all_users[users] * all_items[items], dim=1)
