"""Histories -> (prefix, next item) pairs, kept on disk so that a second run need not make them again."""

import hashlib
import os
import pickle
import tempfile

import numpy as np

CACHE = os.path.join(tempfile.gettempdir(), "srgnn-cache")


def split_log(items, offsets):
    return [items[a:b].tolist() for a, b in zip(offsets[1:-1], offsets[2:])]


def process_seqs(sequences, max_len):
    """Every event but the first of a history is a label once."""
    prefixes, labels = [], []
    for seq in sequences:
        for i in range(1, len(seq)):
            start = max(0, i - max_len)
            prefixes.append(seq[start:i])
            labels.append(seq[i])
    return prefixes, labels


def fingerprint(sequences, max_len):
    digest = hashlib.sha256(str(max_len).encode())
    with open(__file__, "rb") as f:
        digest.update(f.read())  # another version of this file makes other pairs
    for seq in sequences:
        digest.update(np.asarray([len(seq), *seq], dtype=np.int64).tobytes())
    return digest.hexdigest()[:16]


def cached(sequences, max_len):
    """The pairs of these histories, from the cache where it has them."""
    path = os.path.join(CACHE, fingerprint(sequences, max_len) + ".pkl")
    if os.path.exists(path):
        with open(path, "rb") as f:
            return pickle.load(f)
    pairs = process_seqs(sequences, max_len)
    os.makedirs(CACHE, exist_ok=True)
    part = f"{path}.{os.getpid()}"
    with open(part, "wb") as f:
        pickle.dump(pairs, f)
    os.replace(part, path)
    return pairs


def hold_out_last(sequences):
    """Training histories, and (prefix, label) of validation and of test."""
    train, valid, test = [], ([], []), ([], [])
    for seq in sequences:
        if len(seq) < 4:
            train.append(seq)
            continue
        train.append(seq[:-2])
        valid[0].append(seq[:-2])
        valid[1].append(seq[-2])
        test[0].append(seq[:-1])
        test[1].append(seq[-1])
    return train, valid, test
