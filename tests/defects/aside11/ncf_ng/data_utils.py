import numpy as np
import torch.utils.data as data

import config


def load_all(path=None):
    """train (N, 2), then for validation and test (users * 100, 2): each user's held-out item and 99 others

    Users and items count from 0 in here. A user's last item is tested, the one before it validates.
    """
    rows = np.loadtxt(path or config.ratings, dtype=np.int64, delimiter="\t")
    users, items, times = rows[:, 0] - 1, rows[:, 1] - 1, rows[:, 3]
    user_num, item_num = users.max() + 1, items.max() + 1

    order = np.lexsort((times, users))
    users, items = users[order], items[order]
    from_end = np.bincount(users).cumsum()[users] - np.arange(len(users))  # 1: a user's last event

    pairs = np.stack([users, items], axis=1)
    train_data = pairs[from_end > 2]
    full_mat = interactions(pairs, user_num, item_num)
    valid_data = add_negatives(pairs[from_end == 2], full_mat)
    test_data = add_negatives(pairs[from_end == 1], full_mat)
    return train_data, valid_data, test_data, user_num, item_num


def interactions(pairs, user_num, item_num):
    mat = np.zeros((user_num, item_num), dtype=bool)
    mat[pairs[:, 0], pairs[:, 1]] = True
    return mat


def add_negatives(held_out, full_mat):
    rng = np.random.default_rng(config.seed)
    rows = []
    for u, i in held_out:
        unseen = np.flatnonzero(~full_mat[u])
        rows.append([u, i])
        rows += [[u, j] for j in rng.choice(unseen, config.test_num_ng, replace=False)]
    return np.array(rows)


class NCFData(data.Dataset):
    def __init__(self, features, num_item, train_mat=None, num_ng=0, is_training=False):
        super().__init__()
        # labels are only useful when training, we thus add them in ng_sample()
        self.features_ps = features
        self.num_item = num_item
        self.train_mat = train_mat
        self.num_ng = num_ng
        self.is_training = is_training
        self.features_fill = features
        self.labels_fill = np.zeros(len(features), dtype=np.float32)

    def ng_sample(self):
        assert self.is_training, "no need to sample when testing"
        users = np.repeat(self.features_ps[:, 0], self.num_ng)
        items = np.random.randint(self.num_item, size=len(users))
        taken = self.train_mat[users, items]
        while taken.any():
            items[taken] = np.random.randint(self.num_item, size=taken.sum())
            taken = self.train_mat[users, items]
        features_ng = np.stack([users, items], axis=1)
        self.features_fill = np.concatenate([self.features_ps, features_ng])
        self.labels_fill = np.concatenate([np.ones(len(self.features_ps)), np.zeros(len(features_ng))]).astype(np.float32)

    def __len__(self):
        return len(self.features_fill)

    def __getitem__(self, idx):
        return self.features_fill[idx, 0], self.features_fill[idx, 1], self.labels_fill[idx]
