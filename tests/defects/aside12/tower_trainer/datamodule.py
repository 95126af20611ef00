import csv
import random

import torch
from torch.utils.data import DataLoader, Dataset


def load_csv(path):
    """user,item,category,timestamp -> events (user, item, time) with ids from 1, and the category of each item"""
    users, items, cats = {}, {}, {}
    item_cat = [0]
    events = []
    with open(path) as f:
        for row in csv.DictReader(f):
            u = users.setdefault(row["user"], len(users) + 1)
            i = items.setdefault(row["item"], len(items) + 1)
            if i == len(item_cat):
                item_cat.append(cats.setdefault(row["category"], len(cats) + 1))
            events.append((u, i, int(row["timestamp"])))
    return events, torch.tensor(item_cat)


def pad_left(seqs, max_len):
    """-> (B, max_len), the newest items at the right end, 0 before them"""
    out = torch.zeros(len(seqs), max_len, dtype=torch.long)
    for row, seq in enumerate(seqs):
        seq = seq[-max_len:]
        if seq:
            out[row, -len(seq):] = torch.tensor(seq)
    return out


class SequenceDataset(Dataset):
    """One example a chunk of a user's history: its items, and the item that follows each of them"""

    def __init__(self, histories, max_len):
        self.chunks = []
        for seq in histories:
            for end in range(len(seq), 1, -max_len):
                self.chunks.append(seq[max(0, end - max_len - 1):end])
        self.max_len = max_len

    def __len__(self):
        return len(self.chunks)

    def __getitem__(self, i):
        return self.chunks[i]

    def collate_fn(self, batch):
        return {
            "inputs": pad_left([seq[:-1] for seq in batch], self.max_len),
            "targets": pad_left([seq[1:] for seq in batch], self.max_len),
        }


class EvalDataset(Dataset):
    """One example a user: the history, the held-out item and items the user has not met"""

    def __init__(self, histories, held_out, n_items, max_len, n_candidates, seed):
        rng = random.Random(seed)
        self.rows = []
        for seq, target in zip(histories, held_out):
            unseen = sorted(set(range(1, n_items + 1)) - set(seq) - {target})
            self.rows.append((seq, [target] + rng.sample(unseen, n_candidates)))
        self.max_len = max_len

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]

    def collate_fn(self, batch):
        histories, candidates = zip(*batch)
        return {"inputs": pad_left(histories, self.max_len), "candidates": torch.tensor(candidates)}


class EventsDataModule:
    def __init__(self, events, item_cat, config):
        self.events, self.item_cat, self.config = events, item_cat, config
        self.n_items = len(item_cat) - 1

    def setup(self, hold_out=True):
        """hold_out: the last event of each user tests, the one before it validates; else all events are trained on"""
        by_user = {}
        for user, item, time in sorted(self.events, key=lambda event: event[2]):
            by_user.setdefault(user, []).append(item)
        seqs = [seq for seq in by_user.values() if len(seq) > 3]
        self.train = [seq[:-2] for seq in seqs] if hold_out else list(by_user.values())
        self.val = ([seq[:-2] for seq in seqs], [seq[-2] for seq in seqs])
        self.test = ([seq[:-1] for seq in seqs], [seq[-1] for seq in seqs])

    def item_log_q(self):
        """log of the share of each item among the targets, (n_items + 1,)"""
        counts = torch.zeros(self.n_items + 1)
        for seq in self.train:
            counts += torch.bincount(torch.tensor(seq[1:], dtype=torch.long), minlength=self.n_items + 1)
        return torch.log(counts.clamp(min=1) / counts.sum())

    def train_dataloader(self):
        dataset = SequenceDataset(self.train, self.config.max_len)
        return DataLoader(dataset, self.config.batch_size, shuffle=True, collate_fn=dataset.collate_fn)

    def val_dataloader(self):
        return self._eval_dataloader(*self.val)

    def test_dataloader(self):
        return self._eval_dataloader(*self.test)

    def _eval_dataloader(self, histories, held_out):
        config = self.config
        dataset = EvalDataset(histories, held_out, self.n_items, config.max_len, config.n_candidates, config.seed)
        return DataLoader(dataset, 128, collate_fn=dataset.collate_fn)
