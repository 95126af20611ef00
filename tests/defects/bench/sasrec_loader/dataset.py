import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class NegSampler:
    """k items per position which the user never touched."""

    def __init__(self, user2items, n_items, k, seed):
        self.user2items = {u: np.unique(v) for u, v in user2items.items()}
        self.n_items = n_items
        self.k = k
        self.rng = np.random.default_rng(seed)

    def sample(self, user, length):
        cand = self.rng.integers(1, self.n_items + 1, size=(length, self.k))
        seen = self.user2items[user]
        bad = np.isin(cand, seen)
        while bad.any():
            cand[bad] = self.rng.integers(1, self.n_items + 1, size=bad.sum())
            bad = np.isin(cand, seen)
        return cand


class SeqTrainSet(Dataset):
    def __init__(self, user2items, sampler, max_len):
        self.users = [u for u in sorted(user2items) if len(user2items[u]) > 1]
        self.user2items = user2items
        self.sampler = sampler
        self.max_len = max_len

    def __len__(self):
        return len(self.users)

    def __getitem__(self, idx):
        u = self.users[idx]
        hist = self.user2items[u][-(self.max_len + 1) :]
        tokens = hist[:-1]
        labels = hist[1:]
        negs = self.sampler.sample(u, len(labels))
        return np.asarray(tokens), np.asarray(labels), negs


def pad_left(rows, width):
    out = np.zeros((len(rows), width) + rows[0].shape[1:], dtype=np.int64)
    for r, row in enumerate(rows):
        out[r, width - len(row) :] = row
    return torch.from_numpy(out)


def collate(samples):
    tokens, labels, negs = zip(*samples)
    width = max(len(t) for t in tokens)
    return pad_left(tokens, width), pad_left(labels, width), pad_left(negs, width)


def get_loader(user2items, n_items, cfg, seed):
    sampler = NegSampler(user2items, n_items, cfg.n_neg, seed)
    ds = SeqTrainSet(user2items, sampler, cfg.max_len)
    g = torch.Generator()
    g.manual_seed(seed)
    return DataLoader(
        ds,
        batch_size=cfg.bs,
        shuffle=True,
        collate_fn=collate,
        num_workers=cfg.num_workers,
        generator=g,
    )
