"""compute_metrics for own runs, and how the log is split there."""

import math

import torch


def split_by_user(sequences):
    """The last item of each sequence is for test, the one before it for validation."""
    train, valid, test = [], [], []
    for seq in sequences:
        if len(seq) < 4:
            train.append(seq)
            continue
        train.append(seq[:-2])
        valid.append((seq[:-2], seq[-2]))
        test.append((seq[:-1], seq[-1]))
    return train, valid, test


@torch.no_grad()
def compute_metrics(predict, questions, k=10):
    hits, ndcg = 0, 0.0
    for start in range(0, len(questions), 128):
        block = questions[start:start + 128]
        scores = predict([history for history, _ in block])
        scores[:, 0] = -math.inf
        for row, (history, label) in zip(scores, block):
            gold = row[label].clone()
            row[history] = -math.inf
            rank = int((row > gold).sum())
            if rank < k:
                hits += 1
                ndcg += 1.0 / math.log2(rank + 2)
    return {"hr": hits / len(questions), "ndcg": ndcg / len(questions)}
