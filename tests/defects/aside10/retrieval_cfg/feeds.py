import csv

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from registry import register


def read_events(path):
    """user,item,time -> int64 (N, 3) in order of time; users and items are numbered from 1"""
    users, items, rows = {}, {}, []
    with open(path) as f:
        for user, item, when in csv.reader(f):
            rows.append((users.setdefault(user, len(users) + 1), items.setdefault(item, len(items) + 1), int(when)))
    rows = np.array(rows, dtype=np.int64)
    return rows[np.argsort(rows[:, 2], kind="stable")], list(items)


def split_at(rows, share=0.9):
    """Events before a moment, and those from it on"""
    cut = int(len(rows) * share)
    return rows[:cut], rows[cut:]


def sequences(rows):
    out = {}
    for user, item, _ in rows:
        out.setdefault(int(user), []).append(int(item))
    return out


def pad_right(histories, max_len):
    """Newest max_len of each -> (B, longest), 0 behind the end"""
    kept = [h[-max_len:] for h in histories]
    out = torch.zeros(len(kept), max(1, *map(len, kept)), dtype=torch.long)
    for row, h in enumerate(kept):
        out[row, :len(h)] = torch.as_tensor(h, dtype=torch.long)
    return out


class _Pairs(Dataset):
    def __init__(self, seqs):
        self.seqs = seqs
        self.where = [(u, t) for u, s in seqs.items() for t in range(1, len(s))]

    def __len__(self):
        return len(self.where)

    def __getitem__(self, i):
        u, t = self.where[i]
        return self.seqs[u][:t], self.seqs[u][t]


@register("feed", "next_event")
def next_event(seqs, seed, max_len, batch_size):
    def collate(pairs):
        past, nxt = zip(*pairs)
        return pad_right(past, max_len), torch.tensor(nxt)

    gen = torch.Generator().manual_seed(seed)
    return DataLoader(_Pairs(seqs), batch_size, shuffle=True, collate_fn=collate, generator=gen)


def target_share(seqs, n_items):
    """(n_items + 1,): how often each item is a target, as a share; what is never one counts as once"""
    count = np.zeros(n_items + 1)
    for s in seqs.values():
        np.add.at(count, s[1:], 1)
    count = np.maximum(count, 1)
    return torch.as_tensor(count / count[1:].sum(), dtype=torch.float32)
