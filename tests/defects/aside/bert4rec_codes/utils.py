import random

import numpy as np
import torch


def fix_random_seed_as(random_seed):
    random.seed(random_seed)
    torch.manual_seed(random_seed)
    np.random.seed(random_seed)


class AverageMeterSet(object):
    def __init__(self):
        self.meters = {}

    def __getitem__(self, key):
        return self.meters.setdefault(key, AverageMeter())

    def update(self, name, value, n=1):
        self[name].update(value, n)


class AverageMeter(object):
    """Computes and stores the average and current value"""

    def __init__(self):
        self.sum = 0.0
        self.count = 0

    def update(self, val, n=1):
        self.sum = self.sum + val * n
        self.count += n

    @property
    def avg(self):
        return float(self.sum) / max(self.count, 1)


def recalls_and_ndcgs_for_ks(scores, labels, ks):
    """scores, labels: B x C; labels are 1 at the held-out item and 0 at its negatives."""
    metrics = {}
    rank = (-scores).argsort(dim=1)
    for k in sorted(ks, reverse=True):
        cut = rank[:, :k]
        hits = labels.gather(1, cut)
        metrics["Recall@%d" % k] = (hits.sum(1) / labels.sum(1)).mean().item()
        position = torch.arange(2, 2 + k)
        weights = 1 / torch.log2(position.float())
        dcg = (hits * weights).sum(1)
        idcg = torch.Tensor([weights[: min(int(n), k)].sum() for n in labels.sum(1)])
        metrics["NDCG@%d" % k] = (dcg / idcg).mean().item()
    return metrics
