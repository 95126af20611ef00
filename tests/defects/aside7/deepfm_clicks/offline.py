"""AUC and hit rate on held-out clicks, each against items drawn once for all evaluations."""
import numpy as np

from clicks import pad


def auc(labels, scores):
    """Area under the ROC curve by the rank sum, ties count half."""
    labels, scores = np.asarray(labels), np.asarray(scores)
    values, inverse, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[inverse]
    n_pos = (labels == 1).sum()
    n_neg = len(labels) - n_pos
    return (ranks[labels == 1].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg)


def candidates(held_out, negatives, n, seed):
    """(B, 1 + n): the held-out item and n others"""
    negatives.rng = np.random.default_rng(seed)
    users = np.array([u for u, _, _ in held_out])
    items = np.array([i for _, _, i in held_out])
    return np.concatenate([items[:, None], negatives.draw(users, n)], axis=1)


def evaluate(engine, held_out, cand, max_hist, k=10):
    users = np.array([u for u, _, _ in held_out])
    scores = engine.score(users, pad([past for _, past, _ in held_out], max_hist), cand)
    labels = np.zeros(cand.shape, dtype=int)
    labels[:, 0] = 1
    others, own = scores[:, 1:], scores[:, :1]
    rank = (others > own).sum(1) + 0.5 * (others == own).sum(1)
    hit = rank < k
    return {
        "auc": auc(labels.ravel(), scores.ravel()),
        "hr": hit.mean(),
        "ndcg": (hit / np.log2(rank + 2)).mean(),
    }
