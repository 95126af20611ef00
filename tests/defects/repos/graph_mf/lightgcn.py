"""LightGCN on a joint user and item graph: scores come from propagated tables. Healthy."""

import torch
from torch import nn


class Graph(nn.Module):
    def __init__(self, data, width=16, hops=2):
        super().__init__()
        self.n_users, self.n_items, self.hops = data.n_users, data.n_items, hops
        self.people = nn.Embedding(data.n_users + 1, width)
        self.things = nn.Embedding(data.n_items + 1, width)  # role: item_table
        u, i = torch.as_tensor(data.users), torch.as_tensor(data.items) + data.n_users + 1
        size = data.n_users + data.n_items + 2
        both = torch.stack([torch.cat([u, i]), torch.cat([i, u])])
        self.edges = torch.sparse_coo_tensor(both, torch.ones(both.shape[1]), (size, size), check_invariants=True).coalesce()

    def forward(self):
        x = torch.cat([self.people.weight, self.things.weight])
        mean = x
        for _ in range(self.hops):
            x = torch.sparse.mm(self.edges, x) * 0.1
            mean = mean + x
        return mean.split([self.n_users + 1, self.n_items + 1])


class Recommender:
    def __init__(self, data):
        self.data, self.net = data, Graph(data)
        self.opt = torch.optim.Adam(self.net.parameters(), lr=0.01)  # role: optimizer

    def fit(self):
        users, items = torch.as_tensor(self.data.users), torch.as_tensor(self.data.items)
        while True:
            for rows in torch.randperm(len(users)).split(128):  # role: loader
                p, q = self.net()
                fake = torch.randint(1, self.data.n_items + 1, (len(rows),))  # role: negatives
                margin = (p[users[rows]] * (q[items[rows]] - q[fake])).sum(-1)
                loss = nn.functional.softplus(-margin).mean()  # role: loss
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
            yield {"loss": loss.item()}

    @torch.no_grad()
    def score(self, users, histories):
        p, q = self.net()
        return p[torch.as_tensor(users)] @ q.T  # role: scoring


def build(data, *, device, seed):  # role: entry
    return Recommender(data)
