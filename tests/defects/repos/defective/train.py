"""A script with the defects of the cost and evaluation rows of the table, each marked on its line."""

import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import data as tud


def draw(seen, n_items):
    candidate = random.randint(1, n_items)
    while candidate in seen:  # defect: python-loop-sampling
        candidate = random.randint(1, n_items)
    return candidate


class Tower(nn.Module):
    def __init__(self, n_items):
        super().__init__()
        self.products = nn.Embedding(n_items + 1, 16)

    def forward(self, x):
        h = self.products(x).mean(1)
        h = F.dropout(h, 0.2)  # defect: functional-dropout
        if self.training:
            h = F.dropout(h, 0.1)
        return F.dropout(h, p=0.5, training=self.training)


def step(net, opt, x, y):
    loss = F.cross_entropy(net(x) @ net.products.weight.T, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss.item()  # defect: loss-read-at-every-step


def train(net, opt, rows, targets, held_out, device):
    pairs = tud.TensorDataset(rows, targets)
    batches = tud.DataLoader(pairs, batch_size=64)  # defect: no-shuffle
    checks = tud.DataLoader(held_out, batch_size=64)
    best = 0.0
    for epoch in range(20):
        for number, (x, y) in enumerate(batches):
            step(net, opt, x, y)
            weights = torch.tensor([1.0 for _ in y]).to(device)  # defect: host-device-traffic
            total = weights.cpu().numpy()  # defect: host-device-traffic
            if number % 100 == 0:
                print(weights.mean().item(), total.sum())
        test_ndcg = evaluate(net, checks)
        if test_ndcg > best:  # defect: selected-on-test
            best = test_ndcg
            torch.save(net.state_dict(), "best.pt")


def evaluate(net, checks):
    net.eval()  # defect: grad-at-evaluation
    hits = []
    for x, y in checks:
        top = (net(x) @ net.products.weight.T).topk(10).indices
        hits.append((top == y[:, None]).any(1).float().mean().item())
    return np.mean(hits)
