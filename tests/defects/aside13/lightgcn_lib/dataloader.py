from collections import defaultdict

import numpy as np
import torch


def load_interactions(path):
    """Lines "user,item,time" after one of names -> [(user, item, time)] as they stand in the file"""
    with open(path) as f:
        next(f)
        return [(user, item, int(time)) for user, item, time in (line.strip().split(",") for line in f)]


def split_by_user(rows, valid_ratio=0.1, test_ratio=0.2):
    """The newest events of each user are tested, those before them validate, and the others train"""
    by_user = defaultdict(list)
    for row in sorted(rows, key=lambda row: row[2]):
        by_user[row[0]].append(row)
    train, valid, test = [], [], []
    for events in by_user.values():
        n_test = int(len(events) * test_ratio)
        n_valid = int(len(events) * valid_ratio)
        first, second = len(events) - n_test - n_valid, len(events) - n_test
        train += events[:first]
        valid += events[first:second]
        test += events[second:]
    return train, valid, test


class Dataset:
    """
    Users and items count from 0, in the order in which they first appear.

    train_user, train_item: int64 (N,); valid_pos, test_pos: user -> items, of users and items that train knows
    """

    def __init__(self, train, valid=(), test=()):
        self.user2id, self.item2id = {}, {}
        self.train_user = np.array([self.user2id.setdefault(u, len(self.user2id)) for u, _, _ in train])
        self.train_item = np.array([self.item2id.setdefault(i, len(self.item2id)) for _, i, _ in train])
        self.n_users, self.n_items = len(self.user2id), len(self.item2id)

        self.has = np.zeros((self.n_users, self.n_items), dtype=bool)
        self.has[self.train_user, self.train_item] = True
        self.train_pos = [np.flatnonzero(row) for row in self.has]
        self.valid_pos, self.test_pos = self._positives(valid), self._positives(test)

    def _positives(self, rows):
        positives = defaultdict(set)
        for user, item, _ in rows:
            if user in self.user2id and item in self.item2id:
                positives[self.user2id[user]].add(self.item2id[item])
        return positives

    def __len__(self):
        return len(self.train_user)

    def get_sparse_graph(self):
        """D^-1/2 A D^-1/2 over users, then items: sparse (n_users + n_items,) * 2"""
        user, item = np.nonzero(self.has)
        n_nodes = self.n_users + self.n_items
        row = np.concatenate([user, item + self.n_users])
        col = np.concatenate([item + self.n_users, user])
        degree = np.bincount(row, minlength=n_nodes)
        d_inv = 1.0 / np.sqrt(np.maximum(degree, 1))
        values = d_inv[row] * d_inv[col]
        index = torch.from_numpy(np.stack([row, col]))
        graph = torch.sparse_coo_tensor(index, torch.from_numpy(values).float(), (n_nodes, n_nodes))
        return graph.coalesce()

    def sample_triplets(self):
        """(N, 3): every training event once, in random order, with an item that its user does not have"""
        order = np.random.permutation(len(self))
        users, pos = self.train_user[order], self.train_item[order]
        neg = np.random.randint(0, self.n_items, size=len(users))
        collision = self.has[users, neg]
        while collision.any():
            neg[collision] = np.random.randint(0, self.n_items, size=collision.sum())
            collision = self.has[users, neg]
        return np.stack([users, pos, neg], axis=1)
