import random

import numpy as np
import torch
import torch.nn.functional as F

activation_getter = {"iden": lambda x: x, "relu": F.relu, "tanh": torch.tanh, "sigm": torch.sigmoid}


def gpu(tensor, device="cpu"):
    return tensor.to(device)


def minibatch(*tensors, **kwargs):
    batch_size = kwargs.get("batch_size", 128)
    for i in range(0, len(tensors[0]), batch_size):
        yield tuple(x[i : i + batch_size] for x in tensors)


def shuffle(*arrays, **kwargs):
    require_indices = kwargs.get("indices", False)
    if len(set(len(x) for x in arrays)) != 1:
        raise ValueError("All inputs to shuffle must have the same length.")
    shuffle_indices = np.arange(len(arrays[0]))
    np.random.shuffle(shuffle_indices)
    result = tuple(x[shuffle_indices] for x in arrays)
    return (result, shuffle_indices) if require_indices else result


def set_seed(seed, cuda=False):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
