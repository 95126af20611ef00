import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-np.clip(x, -30, 30)))


class BPRMF:
    """Matrix factorisation with the pairwise loss of Rendle et al. 2009, by stochastic gradient ascent"""

    def __init__(self, n_factors=24, lr=0.1, reg=0.01, init_std=0.1, n_epochs=40, batch_size=64, seed=42):
        self.n_factors = n_factors
        self.lr = lr
        self.reg = reg
        self.init_std = init_std
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.seed = seed

    def initialize(self, pairs, n_users, n_items):
        """pairs: (N, 2) of user and item, from 0"""
        self.rng = np.random.RandomState(self.seed)
        self.n_users, self.n_items = n_users, n_items
        self.P = self.rng.normal(0, self.init_std, (n_users, self.n_factors))
        self.Q = self.rng.normal(0, self.init_std, (n_items, self.n_factors))
        self.b = np.zeros(n_items)
        self.pairs = pairs
        self.rated = np.zeros((n_users, n_items), dtype=bool)
        self.rated[pairs[:, 0], pairs[:, 1]] = True

    def fit(self, pairs, n_users, n_items, callback=None):
        self.initialize(pairs, n_users, n_items)
        for epoch in range(self.n_epochs):
            loss = self.run_epoch()
            if callback is not None and callback(epoch, loss, self):
                break
        return self

    def run_epoch(self):
        """One pass over the ratings in random order; the mean loss of a rating"""
        order = self.rng.permutation(len(self.pairs))
        total = 0.0
        for start in range(0, len(order), self.batch_size):
            u, i = self.pairs[order[start:start + self.batch_size]].T
            total += self.step(u, i, self.sample_negatives(u))
        return total / len(order)

    def sample_negatives(self, users):
        j = self.rng.randint(0, self.n_items, size=len(users))
        rated = self.rated[users, j]
        while rated.any():
            j[rated] = self.rng.randint(0, self.n_items, size=rated.sum())
            rated = self.rated[users, j]
        return j

    def step(self, u, i, j):
        pu, qi, qj = self.P[u], self.Q[i], self.Q[j]
        x_uij = (pu * (qi - qj)).sum(axis=1) + self.b[i] - self.b[j]
        g = 1.0 - sigmoid(x_uij)
        gx = g[:, None]
        self.update(self.P, u, gx * (qi - qj) - self.reg * pu)
        self.update(self.Q, i, gx * pu - self.reg * qi)
        self.update(self.Q, j, -gx * pu - self.reg * qj)
        self.update(self.b, i, g - self.reg * self.b[i])
        self.update(self.b, j, -g - self.reg * self.b[j])
        return -np.log(sigmoid(x_uij)).sum()

    def update(self, table, rows, gradient):
        np.add.at(table, rows, self.lr * gradient)

    def predict(self, users):
        """(B, n_items)"""
        return self.P[users] @ self.Q.T + self.b

    def recommend(self, users, n=10, seen=None):
        """The n best items of each user, those in seen[user] left out: (B, n)"""
        scores = self.predict(users)
        if seen is not None:
            for row, user in enumerate(users):
                scores[row, seen.get(int(user), [])] = -np.inf
        return np.argsort(-scores, axis=1, kind="stable")[:, :n]
