import numpy as np
import torch


def pad_left(pasts, width):
    out = np.zeros((len(pasts), width), dtype=np.int64)
    for row, past in zip(out, pasts):
        past = past[-width:]
        row[width - len(past) :] = past
    return out


def ranks(scores, targets):
    """How many items come before the target; ties do."""
    gold = scores[np.arange(len(targets)), targets]
    return (scores >= gold[:, None]).sum(1) - 1


def hit_rate(rank, k):
    return float((rank < k).mean())


def ndcg(rank, k):
    return float(np.where(rank < k, 1.0 / np.log2(rank + 2.0), 0.0).mean())


@torch.no_grad()
def probe_figures(score_all, probe, width, k):
    """Quality on the held-out newest events; what a user has is no candidate."""
    pasts, targets = zip(*probe)
    scores = score_all(torch.from_numpy(pad_left(pasts, width))).numpy().copy()
    scores[:, 0] = -np.inf
    for row, past in zip(scores, pasts):
        row[past] = -np.inf
    rank = ranks(scores, np.array(targets))
    return {"probe_hit": hit_rate(rank, k), "probe_ndcg": ndcg(rank, k)}
