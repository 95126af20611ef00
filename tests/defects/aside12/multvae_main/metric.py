import numpy as np


def top_k(X_pred, k):
    idx = np.argpartition(-X_pred, k, axis=1)[:, :k]
    part = np.take_along_axis(X_pred, idx, axis=1)
    return np.take_along_axis(idx, np.argsort(-part, axis=1), axis=1)


def NDCG_binary_at_k_batch(X_pred, heldout_batch, k=100):
    """Of each user; X_pred and heldout_batch (B, n_items), each row has something to find"""
    idx_topk = top_k(X_pred, k)
    tp = 1.0 / np.log2(np.arange(2, k + 2))
    DCG = (np.take_along_axis(heldout_batch, idx_topk, axis=1) * tp).sum(axis=1)
    IDCG = np.array([tp[:min(int(n), k)].sum() for n in heldout_batch.sum(axis=1)])
    return DCG / IDCG


def Recall_at_k_batch(X_pred, heldout_batch, k=100):
    idx_topk = top_k(X_pred, k)
    hits = np.take_along_axis(heldout_batch, idx_topk, axis=1).sum(axis=1)
    return hits / np.minimum(k, heldout_batch.sum(axis=1))
