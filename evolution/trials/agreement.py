"""Whether two answers to the same questions agree, but for rounding. Pure.

Other batches are computed by other kernels, so scores differ in their last digits and nearly equal items change places.
So scores are compared with a tolerance, and an item may be missing from a list if the list's last score is nearly its own.
"""

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import TopLists
from evolution.trials.possible import PossibleLists
from seeds.interactions import Float32, Int64

OF_RANGE = 0.02  # of the difference between a list's first score and its last
OF_LARGEST = 1e-5  # of its largest score; float32 has seven digits
TIED_AT_LEAST = (
    0.9  # of the items that are tied by the one, by the other too, as rounding may part some of them
)
_ROWS = 64  # of dense scores that are looked at together
Flags = NDArray[np.bool_]


def rows_of(lists: TopLists, rows: NDArray[np.integer]) -> TopLists:
    """The lists of the questions `rows`, in that order."""
    return TopLists(items=lists.items[rows], scores=lists.scores[rows], ties=lists.ties[rows])


def lists_differ(one: TopLists, other: TopLists) -> Flags:
    """Which questions have two different lists, of the same length: bool (Q,)."""
    tolerance = np.maximum(_tolerance(one), _tolerance(other))
    places = _distance(one.scores, other.scores) > tolerance
    return places.any(axis=1) | _misses(one, other, tolerance[:, 0]) | _misses(other, one, tolerance[:, 0])


def lists_contradict(
    lists: TopLists, dense: Float32, possible: PossibleLists, rows: NDArray[np.integer]
) -> Flags:
    """Which lists are not the best unseen items by these scores: bool (S,).

    lists: of the questions `rows` (S,) of `possible`. dense: (S, n_items + 1), of the same.
    """
    found = np.zeros(len(rows), bool)
    for start in range(0, len(rows), _ROWS):
        part = np.arange(start, min(start + _ROWS, len(rows)))
        unseen = possible.only_unseen(dense[part], rows[part])
        found[part] = _contradict(rows_of(lists, part), unseen)
    return found


def scores_differ(one: Float32, other: Float32) -> Flags:
    """Which rows of dense scores (S, n_items + 1) differ: bool (S,). Column 0 is ignored."""
    first = one[:, 1:].astype(np.float64)  # a spread may overflow in float32
    tolerance = OF_RANGE * first.std(axis=1) + OF_LARGEST * np.abs(first).max(axis=1)
    return np.abs(first - other[:, 1:]).max(axis=1) > tolerance


def _contradict(lists: TopLists, unseen: Float32) -> Flags:
    """unseen: (S, n_items + 1), minus infinity for padding and what is seen."""
    tolerance = _tolerance(lists)
    size = min(lists.items.shape[1], unseen.shape[1])
    best = -np.sort(np.partition(-unseen, size - 1, axis=1)[:, :size], axis=1)  # (S, size)
    own = np.where(lists.items > 0, np.take_along_axis(unseen, lists.items, axis=1), -np.inf)
    wrong = (_distance(own, lists.scores) > tolerance) | (
        _distance(_widened(best, lists.items.shape[1]), lists.scores) > tolerance
    )
    return wrong.any(axis=1) | _ties_contradict(lists, unseen, own, tolerance)


def _ties_contradict(
    lists: TopLists, unseen: Float32, own: NDArray[np.floating], tolerance: NDArray[np.float64]
) -> Flags:
    """A list may not claim more ties than there are scores near its last; where its scores are equal to the dense ones to
    the last digit, their number is known."""
    full: Flags = lists.items[:, -1] > 0
    last, among = lists.scores[:, -1:], lists.ties[:, 1]
    near = (_distance(unseen, np.broadcast_to(last, unseen.shape)) <= tolerance).sum(axis=1)
    to_the_bit = (own == lists.scores).all(axis=1)
    equal = (unseen == last).sum(axis=1)
    miscounted = to_the_bit & ((among < TIED_AT_LEAST * equal) | (equal < TIED_AT_LEAST * among))
    return np.logical_and(full, (among > near) | miscounted)


def _tolerance(lists: TopLists) -> NDArray[np.float64]:
    """(Q, 1)"""
    filled = lists.items > 0
    scores = np.where(filled, lists.scores, np.nan).astype(np.float64)
    scores[~filled.any(axis=1)] = 0.0  # a user who has seen everything
    lowest, highest = np.nanmin(scores, axis=1), np.nanmax(scores, axis=1)
    largest = np.maximum(np.abs(lowest), np.abs(highest))
    return (OF_RANGE * (highest - lowest) + OF_LARGEST * largest)[:, None]


def _distance(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """0 where both are minus infinity, infinity where one is."""
    both = np.isneginf(one) & np.isneginf(other)
    return np.abs(np.where(both, 0.0, one) - np.where(both, 0.0, other).astype(np.float64))


def _misses(one: TopLists, other: TopLists, tolerance: NDArray[np.float64]) -> Flags:
    """Which questions have an item in `one` with another score in `other`, or missing there and not at its end: (Q,)."""
    size = int(max(one.items.max(initial=0), other.items.max(initial=0))) + 1
    keys, kept = _keys(one.items, size), _keys(other.items, size)
    order = np.argsort(kept, axis=None, kind="stable")
    ranked = kept.ravel()[order]
    at = np.minimum(np.searchsorted(ranked, keys), len(ranked) - 1)  # (Q, K)
    same = ranked[at] == keys
    theirs = np.where(same, other.scores.ravel()[order][at], other.scores[:, -1:])
    filled = one.items > 0
    above = np.where(filled, one.scores, 0.0) - theirs.astype(np.float64)
    far = np.where(same, _distance(one.scores, theirs), above)
    return np.any(np.where(filled, far, 0.0) > tolerance[:, None], axis=1)


def _keys(items: NDArray[np.integer], size: int) -> Int64:
    return np.arange(len(items), dtype=np.int64)[:, None] * size + items


def _widened(best: NDArray[np.floating], width: int) -> NDArray[np.floating]:
    return np.pad(best, ((0, 0), (0, width - best.shape[1])), constant_values=-np.inf)
