import numpy as np


class NegativeSampler:
    """Uniform over the items that a user does not own."""

    def __init__(self, n_items, owned, seed):
        self.n_items = n_items
        self.owned = owned
        self.rng = np.random.default_rng(seed + 1)

    def sample(self, users, n):
        noise = self.rng.random((len(users), self.n_items + 1), dtype=np.float32)
        noise[self.owned[users]] = 2.0
        noise[:, 0] = 2.0
        return np.argpartition(noise, n, axis=1)[:, :n]
