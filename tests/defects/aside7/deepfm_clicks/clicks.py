"""Examples: a click, what the user clicked before, and items the user never clicked."""
import csv

import numpy as np


def read_log(path):
    """-> {user: [item, ...] in order of time}, item columns as lists with row 0 for padding"""
    events, described = [], {}
    with open(path, newline="") as f:
        for r in csv.DictReader(f):
            events.append((int(r["user"]), int(r["time"]), int(r["item"])))
            described[int(r["item"])] = (r["category"], r["store"], float(r["price"] or "nan"), float(r["rating"] or "nan"))
    events.sort(key=lambda e: (e[0], e[1]))
    by_user = {}
    for user, _, item in events:
        by_user.setdefault(user, []).append(item)
    n_items = max(described)
    table = [described.get(i, ("", "", float("nan"), float("nan"))) for i in range(n_items + 1)]
    return {u: np.array(items) for u, items in by_user.items()}, [np.array(c) for c in zip(*table)]


def leave_out_last(by_user, n_last):
    """-> training part, and (user, past, item) of each of the last events, oldest first"""
    train, held_out = {}, [[] for _ in range(n_last)]
    for user, items in by_user.items():
        if len(items) <= n_last + 1:
            train[user] = items
            continue
        train[user] = items[:-n_last]
        for k in range(n_last):
            t = len(items) - n_last + k
            held_out[k].append((user, items[:t], items[t]))
    return train, held_out


class Negatives:
    def __init__(self, by_user, n_users, n_items, rng):
        self.n_items = n_items
        self.rng = rng
        self.clicked = np.zeros((n_users + 1, n_items + 1), dtype=bool)
        for user, items in by_user.items():
            self.clicked[user, items] = True

    def draw(self, users, n):
        """(B, n) items that the users have not clicked"""
        out = self.rng.integers(1, self.n_items + 1, size=(len(users), n))
        for _ in range(30):
            bad = self.clicked[users[:, None], out]
            if not bad.any():
                break
            out[bad] = self.rng.integers(1, self.n_items + 1, size=bad.sum())
        return out


def pad(histories, width):
    """The newest `width` of each, left-padded with 0"""
    out = np.zeros((len(histories), width), dtype=np.int64)
    for row, items in zip(out, histories):
        items = items[-width:]
        if len(items):
            row[-len(items):] = items
    return out


class Clicks:
    """One pass gives every click that has a past once, with n_neg negatives: users, hist, items (B, 1 + n_neg), label."""

    def __init__(self, by_user, negatives, max_hist, n_neg, batch_size, seed):
        self.by_user = by_user
        self.negatives = negatives
        self.max_hist = max_hist
        self.n_neg = n_neg
        self.batch_size = batch_size
        self.rng = np.random.default_rng(seed)
        self.index = np.array([(u, t) for u, items in by_user.items() for t in range(1, len(items))])

    def __len__(self):
        return -(-len(self.index) // self.batch_size)

    def __iter__(self):
        order = self.rng.permutation(len(self.index))
        for start in range(0, len(order), self.batch_size):
            users, when = self.index[order[start:start + self.batch_size]].T
            hist = pad([self.by_user[u][:t] for u, t in zip(users, when)], self.max_hist)
            clicked = np.array([self.by_user[u][t] for u, t in zip(users, when)])
            items = np.concatenate([clicked[:, None], self.negatives.draw(users, self.n_neg)], axis=1)
            label = np.zeros(items.shape, dtype=np.float32)
            label[:, 0] = 1
            yield users, hist, items, label
