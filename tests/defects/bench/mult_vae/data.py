import numpy as np
from scipy import sparse


class Interactions:
    """Rows of users; columns of items, column 0 is the item with id 1."""

    def __init__(self, events, fade):
        self.n_items = events.n_items
        self.fade = fade
        rows = np.asarray(events.users) - 1
        cols = np.asarray(events.items) - 1
        self.users, self.items = rows, cols
        self.bounds = np.asarray(events.offsets)[1:]
        self.matrix = sparse.csr_matrix(
            (np.ones(len(rows), dtype=np.float32), (rows, cols)), shape=(events.n_users, self.n_items)
        )

    def naive_sparse2tensor(self, idx):
        return self.matrix[idx].toarray()

    def split_rows(self, idx, rng):
        """What goes in (a prefix of the history, faded by age) and what should come out (what followed)."""
        x = np.zeros((len(idx), self.n_items), dtype=np.float32)
        y = np.zeros_like(x)
        for r, u in enumerate(idx):
            seq = self.items[self.bounds[u] : self.bounds[u + 1]]
            cut = rng.integers(1, len(seq)) if len(seq) > 1 else 1
            x[r] = self.profile(seq[:cut])
            y[r, seq[cut : cut + 5]] = 1.0
        return x, y

    def profile(self, seq):
        row = np.zeros(self.n_items, dtype=np.float32)
        age = np.arange(len(seq))[::-1]
        row[seq] = self.fade**age
        return row
