"""Mean of the history, numpy draws, a loss written out by hand. Healthy."""

import numpy as np
import torch
from torch import nn


class Bag:
    def __init__(self, data, seed):
        self.rng = np.random.default_rng(seed)
        self.data = data
        self.vectors = torch.empty(data.n_items + 1, 12)  # role: item_table
        nn.init.normal_(self.vectors, std=0.05)
        self.vectors.requires_grad_()
        self.step_size = torch.optim.Adagrad([self.vectors], lr=0.1)  # role: optimizer

    def fit(self):
        rows = self.data.items.reshape(self.data.n_users, -1)
        while True:
            order = self.rng.permutation(len(rows))  # role: loader
            for at in range(0, len(order), 16):
                chosen = rows[order[at : at + 16]]
                others = self.rng.integers(1, self.data.n_items + 1, size=len(chosen))  # role: negatives
                taste = self.vectors[torch.from_numpy(chosen[:, :-1])].mean(1)  # role: encoder
                up = (taste * self.vectors[torch.from_numpy(chosen[:, -1])]).sum(1)
                down = (taste * self.vectors[torch.from_numpy(others)]).sum(1)
                total = -torch.log(torch.sigmoid(up) + 1e-8) - torch.log(1 - torch.sigmoid(down) + 1e-8)  # role: loss
                self.step_size.zero_grad()
                total.mean().backward()
                self.step_size.step()
            yield {"loss": float(total.mean().detach())}

    def score(self, users, histories):
        with torch.no_grad():
            taste = self.vectors[torch.as_tensor(histories)].mean(1)
            return (taste @ self.vectors.T).numpy()  # role: scoring


def build(data, *, device, seed):  # role: entry
    return Bag(data, seed)
