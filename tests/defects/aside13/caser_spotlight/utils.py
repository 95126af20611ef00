import random

import numpy as np
import torch


def set_seed(seed, cuda=False):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if cuda:
        torch.cuda.manual_seed_all(seed)


def minibatch(*arrays, batch_size=128):
    for i in range(0, len(arrays[0]), batch_size):
        yield tuple(x[i:i + batch_size] for x in arrays)


def shuffle(*arrays):
    if len({len(x) for x in arrays}) != 1:
        raise ValueError("All inputs to shuffle must have the same length.")
    order = np.arange(len(arrays[0]))
    np.random.shuffle(order)
    return tuple(x[order] for x in arrays)
