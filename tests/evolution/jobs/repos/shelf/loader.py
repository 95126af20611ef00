"""Events in the log's order, or in a new one for each epoch."""

import numpy as np


class DataLoader:
    def __init__(self, items, *, seed, shuffle=False):
        self.items = items
        self.order = np.arange(len(items))
        self.shuffle = shuffle
        self.rng = np.random.default_rng(seed)

    def renew(self):
        if self.shuffle:
            self.order = self.rng.permutation(len(self.items))

    def __getitem__(self, rows):
        return self.items[self.order[rows]]
