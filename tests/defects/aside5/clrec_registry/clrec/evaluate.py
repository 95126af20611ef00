"""Leave one out against sampled candidates that a user has not seen. The target comes last, and a tie counts against it."""

from __future__ import annotations

import numpy as np
import torch

from .data import pad_right


def sample_candidates(histories, targets, n_items: int, n: int, seed: int) -> np.ndarray:
    """(users, n + 1): n unseen items each, then the target."""
    rng = np.random.default_rng(seed)
    rows = []
    for history, target in zip(histories, targets):
        unseen = np.setdiff1d(np.arange(1, n_items + 1), np.append(history, target))
        rows.append(np.append(rng.choice(unseen, size=n, replace=False), target))
    return np.array(rows)


@torch.no_grad()
def evaluate(model, histories, targets, n_items: int, conf: dict, max_len: int) -> dict[str, float]:
    model.eval()
    candidates = torch.from_numpy(sample_candidates(histories, targets, n_items, conf["candidates"], conf["seed"]))
    hits, gains = [], []
    for start in range(0, len(histories), 256):
        seq = pad_right([h[-max_len:] for h in histories[start : start + 256]])
        scores = model.recommend(seq).gather(1, candidates[start : start + 256])
        rank = (scores >= scores[:, -1:]).sum(dim=1)  # 1 is the first place
        hit = (rank <= conf["k"]).float()
        hits.append(hit)
        gains.append(hit / torch.log2(rank + 1.0))
    return {"hit": float(torch.cat(hits).mean()), "ndcg": float(torch.cat(gains).mean())}
