import numpy as np
import torch

import world


class Loader:
    """Edges of training, validation and test, and the graph of those of training. Users and items count from 0.

    n_user, m_item: how many there are; trainUser, trainItem: int64 (N,)
    """

    def __init__(self, train, valid=(), test=(), n_user=0, m_item=0):
        self.trainUser, self.trainItem = np.asarray(train).T
        self.validDict = self.build_dict(valid)
        self.testDict = self.build_dict(test)
        self.n_users = n_user
        self.m_items = m_item
        self.Graph = None

        self.UserItemNet = np.zeros((self.n_users, self.m_items), dtype=bool)
        self.UserItemNet[self.trainUser, self.trainItem] = True
        self._allPos = [np.flatnonzero(row) for row in self.UserItemNet]

    @classmethod
    def from_file(cls, path):
        """Lines "user item time", ids from 1. Of the whole log in order of time, a tenth validates and a tenth is tested."""
        rows = np.loadtxt(path, dtype=np.int64)
        rows = rows[np.argsort(rows[:, 2], kind="stable")]
        edges = rows[:, :2] - 1
        n_user, m_item = edges.max(axis=0) + 1
        first, second = int(len(edges) * 0.8), int(len(edges) * 0.9)
        return cls(edges[:first], edges[first:second], edges[second:], n_user, m_item)

    @property
    def trainDataSize(self):
        return len(self.trainUser)

    @property
    def allPos(self):
        return self._allPos

    def build_dict(self, edges):
        found = {}
        for user, item in edges:
            found.setdefault(int(user), set()).add(int(item))
        return found

    def getUserPosItems(self, users):
        return [self._allPos[user] for user in users]

    def getSparseGraph(self):
        """D^-1/2 A D^-1/2 of users and items as nodes, users first: sparse (n + m, n + m)"""
        if self.Graph is None:
            user, item = np.nonzero(self.UserItemNet)
            user, item = torch.as_tensor(user), torch.as_tensor(item)
            first_sub = torch.stack([user, item + self.n_users])
            second_sub = torch.stack([item + self.n_users, user])
            index = torch.cat([first_sub, second_sub], dim=1)
            size = self.n_users + self.m_items
            degree = torch.bincount(index[0], minlength=size).float()
            d_inv = degree.clamp(min=1).pow(-0.5)
            data = d_inv[index[0]] * d_inv[index[1]]
            self.Graph = torch.sparse_coo_tensor(index, data, (size, size)).coalesce().to(world.device)
        return self.Graph
