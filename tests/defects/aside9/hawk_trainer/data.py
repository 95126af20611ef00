import csv

import torch
from torch.utils.data import DataLoader, Dataset


def left_pad(items, width):
    items = list(items)[-width:]
    return [0] * (width - len(items)) + [int(i) for i in items]


class NextItemWindows(Dataset):
    """Windows that end at the newest event and go back in steps of `maxlen`; every event but a user's first is a target once."""

    def __init__(self, sequences, maxlen):
        self.maxlen = maxlen
        self.windows = []
        for items in sequences:
            end = len(items)
            while end > 1:
                start = max(0, end - maxlen - 1)
                self.windows.append(items[start:end])
                end = start + 1

    def __len__(self):
        return len(self.windows)

    def __getitem__(self, index):
        window = self.windows[index]
        seq = left_pad(window[:-1], self.maxlen)
        target = left_pad(window[1:], self.maxlen)
        return torch.tensor(seq), torch.tensor(target)


def make_loader(sequences, cfg):
    generator = torch.Generator().manual_seed(cfg.seed)
    return DataLoader(
        NextItemWindows(sequences, cfg.maxlen),
        batch_size=cfg.batch_size,
        shuffle=True,
        generator=generator,
    )


def read_log(path):
    """user,item,timestamp -> sequences ordered by time, number of items; ids are dense, from 1"""
    events, ids = {}, {}
    with open(path, newline="") as f:
        for row in csv.DictReader(f):
            item = ids.setdefault(row["item"], len(ids) + 1)
            events.setdefault(row["user"], []).append((int(row["timestamp"]), item))
    return [[i for _, i in sorted(e, key=lambda pair: pair[0])] for e in events.values()], len(ids)


def leave_two_out(sequences):
    """-> training sequences, and (past, target) pairs for validation and for test"""
    train, valid, test = [], [], []
    for items in sequences:
        if len(items) < 4:
            train.append(items)
            continue
        train.append(items[:-2])
        valid.append((items[:-2], items[-2]))
        test.append((items[:-1], items[-1]))
    return train, valid, test
