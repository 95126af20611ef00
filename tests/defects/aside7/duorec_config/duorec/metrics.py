from __future__ import annotations

from typing import Callable, Sequence

import numpy as np


def ranks(
    score: Callable[[list[np.ndarray]], np.ndarray],
    histories: Sequence[np.ndarray],
    targets: Sequence[int],
    chunk: int = 256,
) -> np.ndarray:
    """Places of the targets from 0, among the items that the history lacks; ties count half."""
    found = []
    for start in range(0, len(histories), chunk):
        past = list(histories[start : start + chunk])
        gold = np.asarray(targets[start : start + chunk])
        scores = score(past).astype(np.float64)
        own = scores[np.arange(len(past)), gold]
        scores[:, 0] = -np.inf
        for row, items in enumerate(past):
            scores[row, items] = -np.inf
        scores[np.arange(len(past)), gold] = -np.inf
        found.append((scores > own[:, None]).sum(1) + 0.5 * (scores == own[:, None]).sum(1))
    return np.concatenate(found)


def summary(rank: np.ndarray, k: int) -> dict[str, float]:
    hit = rank < k
    return {
        f"hr@{k}": float(hit.mean()),
        f"ndcg@{k}": float((hit / np.log2(rank + 2)).mean()),
        f"mrr@{k}": float((hit / (rank + 1)).mean()),
    }
