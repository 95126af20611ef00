import numpy as np


class TripleSampler(object):
    """(user, previous item, next item, other item) rows out of a log."""

    def __init__(self, users, items, n_items, random_state):
        self.rs = random_state
        follows = np.flatnonzero(users[1:] == users[:-1])
        self.u = users[1:][follows]
        self.l = items[:-1][follows]
        self.i = items[1:][follows]
        self.n_items = n_items
        self.positives = np.zeros((int(users.max()) + 1, n_items + 1), dtype=bool)
        self.positives[users, items] = True

    def __len__(self):
        return len(self.u)

    def negatives(self, users):
        j = self.rs.randint(1, self.n_items + 1, size=len(users))
        hit = self.positives[users, j]
        while hit.any():
            j[hit] = self.rs.randint(1, self.n_items + 1, size=hit.sum())
            hit = self.positives[users, j]
        return j

    def batches(self, size):
        perm = self.rs.permutation(len(self.u))
        for s in range(0, len(perm), size):
            take = perm[s : s + size]
            yield self.u[take], self.l[take], self.i[take], self.negatives(self.u[take])
