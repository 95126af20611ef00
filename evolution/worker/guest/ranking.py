"""The best unseen items of each row of scores, with the number of ties at the cut. Pure; torch or numpy.

Ties are broken at random, but always in the same way for the same question, never by item id, and each row has
its own order, so that a list holds a random subset of the items tied at its end (`seeds.metrics` counts on it).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .failures import ContractBroken, NotFinite


def checked_scores(scores: Any, n_rows: int, n_items: int) -> Any:
    """The scores, detached, with their shape and type checked. Raises ContractBroken."""
    if hasattr(scores, "detach"):
        scores = scores.detach()
    if not hasattr(scores, "shape") or not hasattr(scores, "dtype"):
        raise ContractBroken(
            f"score() returned a {type(scores).__name__}, expected a tensor or a numpy array"
        )
    if tuple(scores.shape) != (n_rows, n_items + 1):
        raise ContractBroken(
            f"score() returned shape {tuple(scores.shape)} for {n_rows} users, expected "
            f"({n_rows}, {n_items + 1}): one score per item, and column 0, for padding, which is ignored"
        )
    kind = str(scores.dtype)
    if "float" not in kind and "int" not in kind:
        raise ContractBroken(f"score() returned values of type {kind}, expected floats")
    return scores


def top_unseen(
    scores: Any, seen: tuple[np.ndarray, np.ndarray], k: int, questions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """scores: (B, n_items + 1). seen: (row, item) pairs. questions: (B,), numbers that ties depend on.

    items: int32 (B, k), best first, 0 where fewer are unseen. scores: float32 (B, k), -inf where item is 0.
    ties: int32 (B, 2), how many items share the k-th score [within the list, among all unseen items], 0 for short lists.
    An item whose score is minus infinity comes last, see `finite_scores`: a list is short only where its user has
    fewer than k unseen items. Raises NotFinite where a score is NaN or positive infinity.
    """
    masked = _masked(scores, seen)
    values, items, within, among = _top(masked, k)
    check_finite(values[:, :1])
    if np.isneginf(values[:, -1]).any():
        plain = as_numpy(scores)
        if np.isneginf(plain[:, 1:]).any():
            masked = _masked(finite_scores(plain), seen)
            values, items, within, among = _top(masked, k)
    for row in np.flatnonzero(among > within):
        items[row] = _break_ties(as_numpy(masked[row]), items[row], values[row], questions[row])
    best_first = np.lexsort((_lottery(questions[:, None], items), -values), axis=1)
    items = np.take_along_axis(items, best_first, axis=1)
    values = np.take_along_axis(values, best_first, axis=1)
    items[np.isneginf(values)] = 0
    return _padded(items, values, np.stack([within, among], axis=1), k)


def as_numpy(scores: Any) -> np.ndarray:
    """A float32 copy on the CPU, of torch or numpy scores."""
    if hasattr(scores, "cpu"):
        scores = scores.float().cpu().numpy()
    return np.array(scores, dtype=np.float32)


def finite_scores(plain: np.ndarray) -> np.ndarray:
    """The same float32 scores (B, n_items + 1) with less than the row's least in place of minus infinity; column 0 is 0."""
    plain[:, 0] = 0.0
    never = np.isneginf(plain)
    if not never.any():
        return plain
    least = np.where(never, np.inf, plain).min(axis=1, keepdims=True)
    with np.errstate(over="ignore"):
        below = least - np.maximum(1.0, np.abs(least) * 1e-3)
    return np.where(never, np.maximum(below, np.finfo(np.float32).min), plain)


def check_finite(values: np.ndarray) -> None:
    if np.isnan(values).any():
        raise NotFinite("score() returned NaN; expected finite numbers for every item")
    if np.isposinf(values).any():
        raise NotFinite("score() returned infinity; expected finite numbers for every item")


def _masked(scores: Any, seen: tuple[np.ndarray, np.ndarray]) -> Any:
    """A float32 copy, for the candidate may keep its own, with minus infinity for padding and for what is seen."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        masked = np.array(scores, dtype=np.float32)
        masked[:, 0] = -np.inf
        masked[seen] = -np.inf
        return masked
    masked = torch.as_tensor(scores).to(torch.float32, copy=True)
    masked[:, 0] = -torch.inf
    rows, columns = (torch.from_numpy(part).to(masked.device) for part in seen)
    masked[rows, columns] = -torch.inf
    return masked


def _top(masked: Any, k: int) -> tuple[np.ndarray, ...]:
    """values, items (B, <= k), best first, and how many share the last value within them and among all."""
    return _top_numpy(masked, k) if isinstance(masked, np.ndarray) else _top_torch(masked, k)


def _top_numpy(masked: np.ndarray, k: int) -> tuple[np.ndarray, ...]:
    k = min(k, masked.shape[1])
    items = np.argpartition(masked, masked.shape[1] - k, axis=1)[:, -k:]  # NaN sorts as the largest
    values = np.take_along_axis(masked, items, axis=1)
    best_first = np.argsort(values, axis=1)[:, ::-1]
    values = np.take_along_axis(values, best_first, axis=1)
    cut = values[:, -1:]
    within, among = (values == cut).sum(axis=1), (masked == cut).sum(axis=1)
    short = np.isneginf(cut[:, 0])
    items = np.take_along_axis(items, best_first, axis=1)
    return values, items, np.where(short, 0, within), np.where(short, 0, among)


def _top_torch(masked: Any, k: int) -> tuple[np.ndarray, ...]:
    torch: Any = sys.modules["torch"]
    values, items = torch.topk(masked, min(k, masked.shape[1]), dim=1)
    cut = values[:, -1:]
    within, among = (values == cut).sum(dim=1), (masked == cut).sum(dim=1)
    long = ~torch.isneginf(cut[:, 0])
    return (
        values.cpu().numpy(),
        items.cpu().numpy(),
        (within * long).cpu().numpy(),
        (among * long).cpu().numpy(),
    )


def _break_ties(scores: np.ndarray, items: np.ndarray, values: np.ndarray, question: int) -> np.ndarray:
    """The list again, with a random choice of the items tied at the cut. items, values: (k,), best first."""
    cut = values[-1]
    tied = np.flatnonzero(scores == cut)
    chosen = tied[np.argsort(_lottery(question, tied))][: int((values == cut).sum())]
    return np.concatenate([items[values > cut], chosen])


def _lottery(questions: Any, items: np.ndarray) -> np.ndarray:
    """A random number for each question and item, always the same: uint64 (splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = (np.asarray(questions, np.uint64) << np.uint64(32)) + items.astype(np.uint64)
        z = (z + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def _padded(
    items: np.ndarray, values: np.ndarray, ties: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    missing = k - items.shape[1]
    if missing > 0:
        items = np.pad(items, ((0, 0), (0, missing)))
        values = np.pad(values, ((0, 0), (0, missing)), constant_values=-np.inf)
    return items.astype(np.int32), values.astype(np.float32), ties.astype(np.int32)
