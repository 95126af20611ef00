import math
import os
import random

import numpy as np
import torch
from torch import nn


def set_seed(seed):
    random.seed(seed)
    os.environ["PYTHONHASHSEED"] = str(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)


def pick_device(name, gpu_ids):
    if name.startswith("cuda") and torch.cuda.is_available():
        return torch.device(f"cuda:{gpu_ids.split(',')[0]}")
    return torch.device(name)


def maybe_parallel(model, gpu_ids):
    """Wraps the model if there is more than one card to use."""
    ids = [int(g) for g in gpu_ids.split(",")]
    if len(ids) > 1 and torch.cuda.device_count() >= len(ids):
        return nn.DataParallel(model, device_ids=ids)
    return model


def unwrap(model):
    return model.module if hasattr(model, "module") else model


class AverageMeter:
    def __init__(self):
        self.sum, self.count = 0.0, 0

    def update(self, value, n=1):
        self.sum += value * n
        self.count += n

    @property
    def avg(self):
        return self.sum / max(self.count, 1)


class EarlyStopping:
    """Keeps the weights of the best validation score."""

    def __init__(self, patience=5, delta=0.0):
        self.patience, self.delta = patience, delta
        self.counter, self.best, self.stop = 0, None, False
        self.state = None

    def __call__(self, score, model):
        if self.best is None or score > self.best + self.delta:
            self.best, self.counter = score, 0
            self.state = {k: v.detach().clone() for k, v in unwrap(model).state_dict().items()}
        else:
            self.counter += 1
            self.stop = self.counter >= self.patience


def recall_at_k(actual, predicted, k):
    total, users = 0.0, 0
    for truth, ranked in zip(actual, predicted):
        if len(truth):
            total += len(set(truth) & set(ranked[:k])) / len(truth)
            users += 1
    return total / max(users, 1)


def ideal_dcg(n, k):
    return sum(1.0 / math.log(i + 2, 2) for i in range(min(n, k)))


def ndcg_at_k(actual, predicted, k):
    total = 0.0
    for truth, ranked in zip(actual, predicted):
        wanted = set(truth)
        dcg = sum(1.0 / math.log(j + 2, 2) for j, item in enumerate(ranked[:k]) if item in wanted)
        total += dcg / ideal_dcg(len(wanted), k)
    return total / max(len(actual), 1)
