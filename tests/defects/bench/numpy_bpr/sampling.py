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
        self.positives = [set() for _ in range(int(users.max()) + 1)]
        for u, i in zip(users.tolist(), items.tolist()):
            self.positives[u].add(i)

    def __len__(self):
        return len(self.u)

    def negatives(self, users):
        j = self.rs.randint(1, self.n_items + 1, size=len(users))
        for k, u in enumerate(users):
            while j[k] in self.positives[u]:
                j[k] = self.rs.randint(1, self.n_items + 1)
        return j

    def batches(self, size):
        perm = self.rs.permutation(len(self.u))
        for s in range(0, len(perm), size):
            take = perm[s : s + size]
            yield self.u[take], self.l[take], self.i[take], self.negatives(self.u[take])
