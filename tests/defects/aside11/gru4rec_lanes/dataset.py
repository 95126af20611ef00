import csv

import numpy as np


def read_log(path):
    """session,item,time per line -> sessions, items, times; items are numbered from 0"""
    with open(path) as f:
        rows = [(session, int(time), item) for session, item, time in csv.reader(f)]
    rows.sort(key=lambda row: row[:2])
    itemmap, sessionmap = {}, {}
    items = np.array([itemmap.setdefault(item, len(itemmap)) for _, _, item in rows])
    sessions = np.array([sessionmap.setdefault(session, len(sessionmap)) for session, _, _ in rows])
    times = np.array([time for _, time, _ in rows], dtype=np.int64)
    return sessions, items, times


class Dataset:
    """Clicks, session after session and oldest first in each"""

    def __init__(self, sessions, items, times):
        order = np.lexsort((times, sessions))
        self.items = np.asarray(items)[order]
        self.times = np.asarray(times)[order]
        _, counts = np.unique(sessions, return_counts=True)
        self.click_offsets = np.concatenate([[0], np.cumsum(counts)])
        self.sessions = np.repeat(np.arange(len(counts)), counts)

    def __len__(self):
        return len(self.click_offsets) - 1

    def select(self, chosen):
        """The sessions for which the boolean array is true"""
        keep = chosen[self.sessions]
        return Dataset(self.sessions[keep], self.items[keep], self.times[keep])


def split(dataset, share=0.8):
    """Sessions that were over by a moment are for training, those of later are shared between validation and test"""
    ends = dataset.times[dataset.click_offsets[1:] - 1]
    first, second = np.quantile(ends, [share, (1 + share) / 2])
    return dataset.select(ends <= first), dataset.select((ends > first) & (ends <= second)), dataset.select(ends > second)


class NegativeSampler:
    """Items by their popularity to the power of alpha"""

    def __init__(self, items, n_items, n_sample, alpha, seed):
        weights = np.maximum(np.bincount(items, minlength=n_items), 1) ** alpha
        self.p = weights / weights.sum()
        self.n_sample = n_sample
        self.rng = np.random.default_rng(seed)

    def draw(self):
        return self.rng.choice(len(self.p), self.n_sample, p=self.p)


class DataLoader:
    """Session-parallel batches: a lane for each session, and the next session where one ends"""

    def __init__(self, dataset, batch_size=32, rng=None):
        self.dataset = dataset
        self.batch_size = min(batch_size, len(dataset))
        self.rng = rng

    def __iter__(self):
        """-> input, target, their lanes, lanes where a session begins"""
        items, offsets = self.dataset.items, self.dataset.click_offsets
        lengths = np.diff(offsets)
        queue = np.arange(len(lengths)) if self.rng is None else self.rng.permutation(len(lengths))
        queue = list(queue[lengths[queue] > 1])
        place = np.zeros(self.batch_size, dtype=np.int64)
        last = np.zeros(self.batch_size, dtype=np.int64)
        while True:
            fresh = np.flatnonzero(place >= last)
            for lane in fresh[:len(queue)]:
                session = queue.pop()
                place[lane], last[lane] = offsets[session], offsets[session + 1] - 1
            lanes = np.flatnonzero(place < last)
            if len(lanes) == 0:
                return
            yield items[place[lanes]], items[place[lanes] + 1], lanes, fresh
            place[lanes] += 1
