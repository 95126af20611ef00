"""Histories cut into windows, and batches of them that a thread gets ready while the device is busy."""

import queue
import threading

import numpy as np
import torch
from torch.utils.data import Dataset


class WindowDataset(Dataset):
    """Window k: `width` events and, for each, the event after it; 0 pads on the left. Every event but a user's first is a target once."""

    def __init__(self, sequences, width):
        self.width = width
        self.pieces = []
        for seq in sequences:
            for stop in range(len(seq), 1, -width):
                self.pieces.append(seq[max(0, stop - width - 1) : stop])

    def __len__(self):
        return len(self.pieces)

    def __getitem__(self, k):
        piece = self.pieces[k]
        row = np.zeros(self.width + 1, dtype=np.int64)
        row[-len(piece) :] = piece
        return row[:-1], row[1:]


def user_sequences(data):
    return [data.items[a:b] for a, b in zip(data.offsets[1:-1], data.offsets[2:])]


def leave_newest_out(sequences, stride):
    """Training sequences, and (past, newest) of every `stride`-th user."""
    train, probe = [], []
    for k, seq in enumerate(sequences):
        if k % stride == 0 and len(seq) > 3:
            probe.append((seq[:-1], seq[-1]))
            train.append(seq[:-1])
        else:
            train.append(seq)
    return train, probe


def collate(rows):
    inputs, targets = zip(*rows)
    return torch.from_numpy(np.stack(inputs)), torch.from_numpy(np.stack(targets))


def epoch_batches(dataset, batch_size, rng):
    order = rng.permutation(len(dataset))
    for start in range(0, len(order), batch_size):
        yield collate([dataset[k] for k in order[start : start + batch_size]])


def prefetch(batches, depth=4):
    """The same batches, made ahead by a thread."""
    ready, end = queue.Queue(maxsize=depth), object()

    def work():
        for batch in batches:
            ready.put(batch)
        ready.put(end)

    threading.Thread(target=work, daemon=True).start()
    while (batch := ready.get()) is not end:
        yield batch
