import csv
from collections import defaultdict

import numpy as np
import torch
from torch.utils.data import Dataset


class LabelEncoder:
    """Values -> 1, 2, ... in order of appearance; 0 is for padding and for what is unknown"""

    def __init__(self):
        self.index = {}

    def fit_transform(self, values):
        return [self.index.setdefault(value, len(self.index) + 1) for value in values]

    def transform(self, values):
        return [self.index.get(value, 0) for value in values]

    def __len__(self):
        return len(self.index)


def read_columns(path):
    with open(path) as f:
        return [list(column) for column in zip(*csv.reader(f))]


def load(ratings, categories):
    """user,item,time and item,category per line -> events, encoders of users and items, category of each item"""
    users, items, times = read_columns(ratings)
    user_le, item_le, cat_le = LabelEncoder(), LabelEncoder(), LabelEncoder()
    events = list(zip(user_le.fit_transform(users), item_le.fit_transform(items), map(int, times)))
    names, cats = read_columns(categories)
    item_cat = np.zeros(len(item_le) + 1, dtype=np.int64)
    item_cat[item_le.transform(names)] = cat_le.fit_transform(cats)
    item_cat[0] = 0
    return events, user_le, item_le, item_cat


def by_time(events):
    """(user, item, time) -> int64 (N, 3), oldest first, each event once"""
    rows = np.array(events, dtype=np.int64)
    _, first = np.unique(rows, axis=0, return_index=True)
    rows = rows[np.sort(first)]
    return rows[np.argsort(rows[:, 2], kind="stable")]


def time_split(rows, valid=0.1, test=0.1):
    """The last tenth of the time is the test, the tenth before it the validation"""
    n = len(rows)
    a, b = int(n * (1 - valid - test)), int(n * (1 - test))
    return rows[:a], rows[a:b], rows[b:]


def sequences(rows):
    seqs = defaultdict(list)
    for user, item, _ in rows:
        seqs[int(user)].append(int(item))
    return dict(seqs)


class InteractionDataset(Dataset):
    """One example an event: the user, his last k items before it, the item"""

    def __init__(self, seqs, k):
        self.seqs = seqs
        self.k = k
        self.index = [(user, t) for user, seq in seqs.items() for t in range(1, len(seq))]

    def __len__(self):
        return len(self.index)

    def __getitem__(self, i):
        user, t = self.index[i]
        seq = self.seqs[user]
        return user, seq[max(0, t - self.k):t], seq[t]


def pad(histories):
    width = max(1, max(map(len, histories)))
    return torch.tensor([h + [0] * (width - len(h)) for h in histories])


def collate_fn(batch):
    users, histories, targets = zip(*batch)
    return torch.tensor(users), pad(histories), torch.tensor(targets)


def log_frequency(seqs, n_items):
    """log q of each item as a target, (n_items + 1,); 0 for those that are none"""
    counts = np.zeros(n_items + 1)
    for seq in seqs.values():
        np.add.at(counts, seq[1:], 1)
    q = np.where(counts > 0, counts / counts.sum(), 1.0)
    return torch.tensor(np.log(q), dtype=torch.float32)
