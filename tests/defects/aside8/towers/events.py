import numpy as np
import torch


def read_log(path, sep=","):
    """user,item,unix time -> three arrays, ids counted from 1, sorted by user and time"""
    raw = np.genfromtxt(path, delimiter=sep, dtype=str, skip_header=1)
    _, users = np.unique(raw[:, 0], return_inverse=True)
    _, items = np.unique(raw[:, 1], return_inverse=True)
    times = raw[:, 2].astype(np.int64)
    order = np.lexsort((times, users))
    return users[order] + 1, items[order] + 1, times[order]


def split_by_time(users, items, times, share=0.1):
    """train = everything before a moment, test = first event of each known user after it"""
    cut = np.quantile(times, 1 - share)
    before = times < cut
    train = users[before], items[before]
    after_users, after_items = users[~before], items[~before]
    first = np.unique(after_users, return_index=True)[1]
    known = np.isin(after_users[first], train[0]) & np.isin(after_items[first], train[1])
    return train, (after_users[first][known], after_items[first][known])


def group(users, items):
    """{user: items in order of time}"""
    starts = np.flatnonzero(np.r_[True, users[1:] != users[:-1]])
    return dict(zip(users[starts].tolist(), np.split(items, starts[1:])))


class PrefixExamples:
    """Every event but a user's first, with the events before it as history."""

    def __init__(self, by_user, max_hist):
        hist, target = [], []
        for seq in by_user.values():
            for t in range(1, len(seq)):
                row = np.zeros(max_hist, dtype=np.int64)
                past = seq[max(0, t - max_hist):t]
                row[:len(past)] = past
                hist.append(row)
                target.append(seq[t])
        self.hist = torch.from_numpy(np.stack(hist))
        self.target = torch.from_numpy(np.array(target, dtype=np.int64))

    def __len__(self):
        return len(self.target)

    def batches(self, size, generator):
        order = torch.randperm(len(self), generator=generator)
        for idx in order.split(size):
            yield self.hist[idx], self.target[idx]


def log_frequency(targets, n_items):
    """log of each item's share of the examples; index 0 is never asked for"""
    count = torch.bincount(targets, minlength=n_items + 1).float()
    return torch.log(count.clamp(min=1) / count.sum())


def last_events(rows, max_hist):
    """histories of any padding -> [B, longest], events first, zeros behind"""
    rows = [row[row != 0][-max_hist:] for row in rows]
    out = np.zeros((len(rows), max(1, *map(len, rows))), dtype=np.int64)
    for b, row in enumerate(rows):
        out[b, :len(row)] = row
    return torch.from_numpy(out)
