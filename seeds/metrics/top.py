"""The best unseen items from dense scores, computed in the same way for every ranker."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Float32, Int64


class TopItems(NamedTuple):
    """The best unseen items of Q questions.

    items: int32 (Q, K), best first, 0 if there are fewer
    scores: float32 (Q, K), -inf where the item is 0
    ties: int32 (Q, 2), how many items share the K-th score [in the list, among all unseen]; 0 for short lists
    """

    items: NDArray[np.int32]
    scores: Float32
    ties: NDArray[np.int32]


def seen_mask(items: Int64, offsets: Int64, n_items: int) -> NDArray[np.bool_]:
    """The items in each history: bool (Q, n_items + 1); history q is `items[offsets[q]:offsets[q + 1]]`."""
    seen = np.zeros((len(offsets) - 1, n_items + 1), bool)
    rows = np.repeat(np.arange(len(seen)), np.diff(offsets))
    seen[rows, items[offsets[0] : offsets[-1]]] = True
    return seen


def top_lists(
    scores: NDArray[np.floating], seen: NDArray[np.bool_], k: int = 100, *, seed: int = 0
) -> TopItems:
    """The k best unseen items of every row. scores, seen: (Q, n_items + 1); column 0 is ignored.

    Tied items are ordered, and at the cut chosen, at random by `seed`, never by id. An item with score -inf is not
    listed. Raises ValueError on NaN.
    """
    if np.isnan(scores[:, 1:]).any():
        raise ValueError("NaN among the scores; expected numbers. The model has diverged.")
    rng = np.random.default_rng(seed)
    masked = np.where(seen, -np.inf, scores).astype(np.float32)  # (Q, n_items + 1)
    masked[:, 0] = -np.inf
    k = min(k, masked.shape[1] - 1)
    # (Q, k), sorted by id: argpartition's order of equal scores differs between processors, and the random draw among
    # ties must not depend on it
    listed = np.sort(np.argpartition(masked, -k, axis=1)[:, -k:], axis=1)
    cut = np.take_along_axis(masked, listed, axis=1).min(axis=1)  # (Q,) the k-th score
    at_cut = (masked == cut[:, None]) & np.isfinite(cut)[:, None]
    in_all = at_cut.sum(axis=1)
    in_list = k - (masked > cut[:, None]).sum(axis=1)
    for row in np.flatnonzero(in_all > in_list):  # argpartition's choice among equals is not random
        chosen = rng.choice(np.flatnonzero(at_cut[row]), in_list[row], replace=False)
        listed[row] = np.sort(np.concatenate((np.flatnonzero(masked[row] > cut[row]), chosen)))
    values = np.take_along_axis(masked, listed, axis=1)
    best_first = np.lexsort((rng.random(values.shape), -values), axis=1)
    items = np.take_along_axis(listed, best_first, axis=1)
    values = np.take_along_axis(values, best_first, axis=1)
    return TopItems(
        items=np.where(np.isneginf(values), 0, items).astype(np.int32),
        scores=values,
        ties=np.stack((np.where(in_all > 0, in_list, 0), in_all), axis=1).astype(np.int32),
    )
