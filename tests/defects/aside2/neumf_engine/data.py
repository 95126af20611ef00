import csv

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


def read_ratings(path):
    """userId,itemId,rating,timestamp -> arrays sorted by user and time"""
    with open(path, newline="") as f:
        rows = [(int(r[0]), int(r[1]), float(r[2]), int(r[3])) for r in csv.reader(f)]
    rows.sort(key=lambda r: (r[0], r[3]))
    users, items, ratings, times = zip(*rows)
    return {
        "userId": np.array(users),
        "itemId": np.array(items),
        "rating": np.array(ratings, dtype=np.float32),
        "timestamp": np.array(times),
    }


class UserItemDataset(Dataset):
    """One row for each pair: who, what was bought just before, what, and whether it was bought."""

    def __init__(self, user, recent, item, target):
        self.user = torch.LongTensor(user)
        self.recent = torch.LongTensor(recent)
        self.item = torch.LongTensor(item)
        self.target = torch.FloatTensor(target)

    def __getitem__(self, index):
        return self.user[index], self.recent[index], self.item[index], self.target[index]

    def __len__(self):
        return self.user.size(0)


class SampleGenerator(object):
    def __init__(self, ratings, config, hold_out=True):
        self.config = config
        self.users, self.items = ratings["userId"], ratings["itemId"]
        self.num_users = int(self.users.max())
        self.num_items = int(ratings.get("num_items", self.items.max()))
        self.rng = np.random.RandomState(config["seed"])
        self.rank_latest = self._rank_latest(self.users)
        self.train_mask = self.rank_latest > 2 if hold_out else np.ones(len(self.users), dtype=bool)
        self.interacted = self._pairs(self.train_mask)
        self.recent = self._recent(config["recent"])
        if hold_out:
            self.eval_negatives = self._sample_eval_negatives(99)

    @staticmethod
    def _rank_latest(users):
        """1 for the newest event of a user, 2 for the one before, ...; rows are in time order"""
        order = np.zeros(len(users), dtype=np.int64)
        count = {}
        for row in range(len(users) - 1, -1, -1):
            count[users[row]] = count.get(users[row], 0) + 1
            order[row] = count[users[row]]
        return order

    def _pairs(self, rows):
        seen = np.zeros((self.num_users + 1, self.num_items + 1), dtype=bool)
        seen[self.users[rows], self.items[rows]] = True
        return seen

    def _recent(self, width):
        """(N, width) what the user bought before each event, newest last, 0 where there is nothing"""
        recent = np.zeros((len(self.users), width), dtype=np.int64)
        for back in range(1, width + 1):
            same = self.users[back:] == self.users[:-back]
            recent[back:, width - back][same] = self.items[:-back][same]
        return recent

    def _sample_negatives(self, users, k):
        """(len(users), k) items which the user has no event with"""
        negatives = self.rng.randint(1, self.num_items + 1, size=(len(users), k))
        rows = np.broadcast_to(users[:, None], negatives.shape)
        hit = self.interacted[rows, negatives]
        while hit.any():
            negatives[hit] = self.rng.randint(1, self.num_items + 1, size=hit.sum())
            hit = self.interacted[rows, negatives]
        return negatives

    def _sample_eval_negatives(self, k):
        out = {}
        bought = self._pairs(slice(None))
        for user in np.unique(self.users):
            pool = np.flatnonzero(~bought[user])[1:]
            out[user] = self.rng.choice(pool, size=min(k, len(pool)), replace=False)
        return out

    def instance_a_train_loader(self, epoch):
        """instance train loader for one training epoch, with negatives of its own"""
        rows = np.flatnonzero(self.train_mask)
        k = self.config["num_negative"]
        users, positives, recent = self.users[rows], self.items[rows], self.recent[rows]
        negatives = self._sample_negatives(users, k)
        dataset = UserItemDataset(
            user=np.concatenate([users, np.repeat(users, k)]),
            recent=np.concatenate([recent, np.repeat(recent, k, axis=0)]),
            item=np.concatenate([positives, negatives.ravel()]),
            target=np.concatenate([np.ones(len(rows)), np.zeros(len(rows) * k)]),
        )
        return DataLoader(dataset, batch_size=self.config["batch_size"], shuffle=True)

    def evaluate_data(self, part):
        """user, recent, candidates (1 + 99, the held-out one last)"""
        rows = np.flatnonzero(self.rank_latest == {"valid": 2, "test": 1}[part])
        for row in rows:
            user = self.users[row]
            candidates = np.append(self.eval_negatives[user], self.items[row])
            yield user, self.recent[row], candidates
