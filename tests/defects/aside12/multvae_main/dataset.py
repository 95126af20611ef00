import csv

import numpy as np


class SparseRows:
    """Users by items, ones only: the items of each row behind one another, a user's oldest first."""

    def __init__(self, rows, cols, n_rows, n_items):
        order = np.argsort(rows, kind="stable")
        self.indices = cols[order]
        self.indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_rows))])
        self.shape = (n_rows, n_items)

    def toarray(self, idx):
        out = np.zeros((len(idx), self.shape[1]), dtype=np.float32)
        for r, u in enumerate(idx):
            out[r, self.indices[self.indptr[u]:self.indptr[u + 1]]] = 1.0
        return out


def read_ratings(path, threshold=3.5, min_uc=5):
    """userId,movieId,rating,timestamp -> (user, item, timestamp) of liked items in order of time"""
    with open(path) as f:
        rows = [(r["userId"], r["movieId"], int(r["timestamp"])) for r in csv.DictReader(f) if float(r["rating"]) > threshold]
    rows.sort(key=lambda r: r[2])
    usercount = {}
    for user, _, _ in rows:
        usercount[user] = usercount.get(user, 0) + 1
    return [r for r in rows if usercount[r[0]] >= min_uc]


def numerize(rows, profile2id, show2id):
    uid = np.array([profile2id[r[0]] for r in rows], dtype=np.int64)
    sid = np.array([show2id[r[1]] for r in rows], dtype=np.int64)
    return uid, sid


def split_train_test_proportion(rows, test_prop=0.2):
    """The first four fifths of each user's events are folded in, the others are to be found"""
    by_user = {}
    for row in rows:
        by_user.setdefault(row[0], []).append(row)
    tr, te = [], []
    for events in by_user.values():
        n_te = int(np.ceil(test_prop * len(events)))
        cut = np.zeros(len(events), dtype=bool)
        cut[-n_te:] = True
        tr += [row for row, is_te in zip(events, cut) if not is_te]
        te += [row for row, is_te in zip(events, cut) if is_te]
    return tr, te


class DataLoader:
    """Users of training, validation and test are different people; items are those of the training users"""

    def __init__(self, path, n_heldout_users, seed):
        rows = read_ratings(path)
        unique_uid = sorted({r[0] for r in rows})
        np.random.RandomState(seed).shuffle(unique_uid)
        n = n_heldout_users
        self.users = {"train": unique_uid[:-2 * n], "validation": unique_uid[-2 * n:-n], "test": unique_uid[-n:]}
        self.rows = {name: [r for r in rows if r[0] in set(users)] for name, users in self.users.items()}
        unique_sid = sorted({r[1] for r in self.rows["train"]})
        self.show2id = {sid: i for i, sid in enumerate(unique_sid)}
        self.n_items = len(unique_sid)

    def load_data(self, datatype="train"):
        """-> SparseRows of training; of the others a pair, what is folded in and what is to be found"""
        profile2id = {uid: i for i, uid in enumerate(self.users[datatype])}
        rows = [r for r in self.rows[datatype] if r[1] in self.show2id]
        if datatype == "train":
            return self._sparse(rows, profile2id)
        tr, te = split_train_test_proportion(rows)
        return self._sparse(tr, profile2id), self._sparse(te, profile2id)

    def _sparse(self, rows, profile2id):
        uid, sid = numerize(rows, profile2id, self.show2id)
        return SparseRows(uid, sid, len(profile2id), self.n_items)
