import random

import numpy as np
import torch
from torch.utils.data import Dataset


def load_sessions(path):
    '''Read session,item,time rows into a list of sessions, the oldest session first.'''
    rows = np.loadtxt(path, delimiter=',', dtype=np.int64)
    rows = rows[np.lexsort((rows[:, 2], rows[:, 0]))]
    cuts = np.flatnonzero(np.diff(rows[:, 0])) + 1
    sessions = [(s[-1, 2], s[:, 1].tolist()) for s in np.split(rows, cuts)]
    return [items for _, items in sorted(sessions)]


def split_sessions(sessions, valid_portion=0.1, test_portion=0.1):
    '''The newest sessions are for test, those before them for validation.'''
    n_test = int(len(sessions) * test_portion)
    n_valid = int(len(sessions) * valid_portion)
    n_train = len(sessions) - n_valid - n_test
    return sessions[:n_train], sessions[n_train:n_train + n_valid], sessions[n_train + n_valid:]


def process_seqs(sessions, max_len):
    '''Every event but the first of a session is a label once; what was before it is its sequence.'''
    out_seqs, labels = [], []
    for items in sessions:
        for i in range(1, len(items)):
            seq = items[:i]
            out_seqs.append(seq[-max_len:])
            labels.append(items[i])
    return out_seqs, labels


class RecSysDataset(Dataset):
    def __init__(self, seqs, labels):
        self.seqs = seqs
        self.labels = labels
        print('-' * 50)
        print('Number of sequences:', len(self.seqs))
        print('-' * 50)

    def __getitem__(self, index):
        return self.seqs[index], self.labels[index]

    def __len__(self):
        return len(self.seqs)


def pad(seqs):
    '''Sequences, the longest first, to T x B.'''
    lens = [len(s) for s in seqs]
    padded = torch.zeros(max(lens), len(seqs), dtype=torch.long)
    for j, s in enumerate(seqs):
        padded[:lens[j], j] = torch.as_tensor(s)
    return padded, torch.tensor(lens)


def collate_fn(data):
    """Pads the sequences of a batch.

    Args:
        data: list of (sequence, label)
    Returns:
        the padded sequences T x B, their labels B, their lengths B, all sorted by decreasing length
    """
    data.sort(key=lambda x: len(x[0]), reverse=True)
    seqs, labels = zip(*data)
    padded, lens = pad(seqs)
    return padded, torch.tensor(labels), lens
