import numpy as np


def dcg_at_k(r, k):
    r = np.asarray(r, dtype=float)[:k]
    return np.sum(r / np.log2(np.arange(2, r.size + 2)))


def ndcg_at_k(r, k, n_relevant):
    ideal = dcg_at_k(np.ones(min(n_relevant, k)), k)
    return dcg_at_k(r, k) / ideal if ideal else 0.0


def recall_at_k(r, k, n_relevant):
    return np.sum(r[:k]) / n_relevant


def hit_at_k(r, k):
    return float(np.sum(r[:k]) > 0)
