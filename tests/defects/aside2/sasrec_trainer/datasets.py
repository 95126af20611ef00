import numpy as np
import torch
from torch.utils.data import Dataset


def user_sequences(data):
    """One list of item ids for each user, oldest first."""
    seqs = []
    for u in range(1, data.n_users + 1):
        lo, hi = data.offsets[u], data.offsets[u + 1]
        seqs.append([int(i) for i in data.items[lo:hi]])
    return seqs


def category_ids(columns, n_items):
    """(n_items + 1,) the finest category of each item, 0 where there is none, and the number of categories."""
    names = {}
    ids = np.zeros(n_items + 1, dtype=np.int64)
    for item in range(1, n_items + 1):
        cats = columns.categories[item]
        if len(cats):
            ids[item] = names.setdefault(cats[-1], len(names) + 1)
    return torch.from_numpy(ids), len(names)


class SequenceDataset(Dataset):
    def __init__(self, args, sequences, n_items, test_targets=None):
        self.args = args
        self.n_items = n_items
        self.max_len = args.max_seq_length
        self.test_targets = test_targets
        if test_targets is None:
            sequences = [s for s in sequences if len(s) > 1]
        self.sequences = sequences

    def __len__(self):
        return len(self.sequences)

    def negatives(self, seen, length):
        drawn = np.random.randint(1, self.n_items + 1, size=(length, self.args.num_negatives))
        for _ in range(20):
            clash = np.isin(drawn, seen)
            if not clash.any():
                break
            drawn[clash] = np.random.randint(1, self.n_items + 1, size=int(clash.sum()))
        return drawn

    def __getitem__(self, index):
        items = self.sequences[index]
        if self.test_targets is not None:
            return self.example(items), self.test_targets[index]
        input_ids = items[:-1]
        target_pos = items[1:]
        target_neg = self.negatives(np.unique(items), len(target_pos))

        input_ids = self.example(input_ids)
        pos = np.zeros(self.max_len, dtype=np.int64)
        neg = np.zeros((self.max_len, self.args.num_negatives), dtype=np.int64)
        kept = min(len(target_pos), self.max_len)
        pos[-kept:] = target_pos[-kept:]
        neg[-kept:] = target_neg[-kept:]
        return torch.as_tensor(input_ids), torch.as_tensor(pos), torch.as_tensor(neg)

    def example(self, items):
        out = np.zeros(self.max_len, dtype=np.int64)
        recent = items[-self.max_len :]
        if len(recent):
            out[-len(recent) :] = recent
        return out
