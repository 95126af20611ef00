from __future__ import annotations

from typing import Sequence

import numpy as np
import torch

from .data import pad_left
from .model import InterestModel


def evaluate(
    model: InterestModel, histories: Sequence[np.ndarray], targets: Sequence[int], k: int, batch_size: int = 128
) -> dict[str, float]:
    """Hit rate, NDCG and reciprocal rank at k of one target each, among all items that the customer has not bought."""
    model.eval()
    max_len = model.config.max_len
    hits = ndcg = mrr = 0.0
    for start in range(0, len(histories), batch_size):
        part = histories[start : start + batch_size]
        gold = torch.as_tensor(targets[start : start + batch_size])
        scores = model.scores(pad_left([items[-max_len:] for items in part]))
        scores[:, 0] = -torch.inf
        for row, items in enumerate(part):
            scores[row, items] = -torch.inf
        found = scores.topk(k, dim=1).indices == gold.unsqueeze(1)
        hit, rank = found.any(dim=1), found.float().argmax(dim=1)
        hits += hit.sum().item()
        ndcg += (hit / torch.log2(rank + 2.0)).sum().item()
        mrr += (hit / (rank + 1.0)).sum().item()
    n = len(histories)
    return {"hit": hits / n, "ndcg": ndcg / n, "mrr": mrr / n}
