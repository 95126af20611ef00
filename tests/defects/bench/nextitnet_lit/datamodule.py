import numpy as np
import torch


class SessionDataModule:
    """Cuts histories into windows of `window` events with overlap, and serves them padded on the left."""

    def __init__(self, log, window=20, stride=10, batch_size=48, seed=0):
        self.window = window
        self.batch_size = batch_size
        self.rng = np.random.RandomState(seed)
        self.windows = []
        for user in range(1, log.n_users + 1):
            seq = log.items[log.offsets[user] : log.offsets[user + 1]]
            end = len(seq)
            while end > 1:
                self.windows.append(seq[max(0, end - window - 1) : end])
                if end <= window + 1:
                    break
                end -= stride

    def train_dataloader(self):
        order = self.rng.permutation(len(self.windows))
        for start in range(0, len(order), self.batch_size):
            yield self.to_tensors([self.windows[k] for k in order[start : start + self.batch_size]])

    def to_tensors(self, rows):
        width = max(len(r) for r in rows)
        full = np.zeros((len(rows), width), dtype=np.int64)
        for k, r in enumerate(rows):
            full[k, width - len(r) :] = r
        full = torch.from_numpy(full)
        return full[:, :-1], full[:, 1:]
