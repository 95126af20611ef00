import numpy as np
import scipy.sparse as sp


class Data(object):
    """The training log with ids from 0, and its graph."""

    def __init__(self, users, items, n_users, n_items, seed):
        self.n_users, self.n_items = n_users, n_items
        self.users = np.asarray(users) - 1
        self.items = np.asarray(items) - 1
        self.n_train = len(self.users)
        self.R = sp.csr_matrix(
            (np.ones(self.n_train, dtype=np.float32), (self.users, self.items)), shape=(n_users, n_items)
        )
        self.R.data[:] = 1.0
        self.keys = np.unique(self.users * n_items + self.items)
        self.rng = np.random.default_rng(seed)

    def get_adj_mat(self):
        A = sp.bmat([[None, self.R], [self.R.T, None]], format='csr')

        def normalized_sym(adj):
            degree = np.asarray(adj.sum(axis=1)).flatten()
            d_inv = np.power(np.maximum(degree, 1e-12), -0.5)
            d_inv[degree == 0] = 0.0
            d_mat_inv = sp.diags(d_inv)
            return d_mat_inv.dot(adj).dot(d_mat_inv).tocoo()

        return normalized_sym(A)

    def is_positive(self, users, items):
        return np.isin(users * self.n_items + items, self.keys)

    def sample_neg(self, users):
        neg = self.rng.integers(0, self.n_items, size=len(users))
        bad = self.is_positive(users, neg)
        while bad.any():
            neg[bad] = self.rng.integers(0, self.n_items, size=bad.sum())
            bad = self.is_positive(users, neg)
        return neg

    def epoch(self, batch_size):
        """(users, positives, negatives) until every edge has been used once."""
        order = self.rng.permutation(self.n_train)
        neg_items = self.sample_neg(self.users)
        for start in range(0, self.n_train, batch_size):
            pick = order[start:start + batch_size]
            yield self.users[pick], self.items[pick], neg_items[pick]
