"""Offline numbers for the paper: own leave-one-out split, full ranking."""

import numpy as np
import torch


def leave_one_out(user2items):
    train, valid, test = {}, {}, {}
    for u, items in user2items.items():
        if len(items) < 4:
            train[u] = items
            continue
        train[u], valid[u], test[u] = items[:-2], items[-2], items[-1]
    return train, valid, test


def dcg(rank):
    return 1.0 / np.log2(rank + 2)


def rank_of(scores, target, seen):
    scores = scores.clone()
    scores[0] = -float("inf")
    seen = [i for i in seen if i != target]
    scores[seen] = -float("inf")
    return int((scores > scores[target]).sum())


@torch.no_grad()
def evaluate(net, histories, targets, k=10):
    net.eval()
    hits, gains = [], []
    for u, target in targets.items():
        x = torch.tensor([histories[u][-net.cfg.max_len :]])
        rank = rank_of(net.full_logits(x)[0], target, histories[u])
        hits.append(rank < k)
        gains.append(dcg(rank) if rank < k else 0.0)
    return float(np.mean(hits)), float(np.mean(gains))
