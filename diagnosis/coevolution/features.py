"""Features of items for each user, from which the faulty models are made.

Functions return float64 (S, n_items + 1) or (n_items + 1,) unless they say otherwise; larger means more of what the
function's name says.
"""

from collections.abc import Sequence

import numpy as np

from diagnosis.coevolution.view import Bool, Float32, Float64, Int64

LATELY = 3  # events that count as "the last picks"
PLACES = 20  # places of a list that are filled with lookalikes one by one


def ranks(values: Float64 | Float32) -> Float64:
    """Ranks within each row as 0..1, ties by place: (S, n) -> float64 (S, n)."""
    order = np.argsort(values, axis=-1, kind="stable")
    placed = np.empty(values.shape, np.float64)
    steps = np.broadcast_to(np.linspace(0, 1, values.shape[-1]), values.shape)
    np.put_along_axis(placed, order, steps, axis=-1)
    return placed


def affinity(codes: Int64, histories: Sequence[Int64]) -> Float64:
    """Share of a user's events that have the item's code; 0 where the code is unknown."""
    shares = np.zeros((len(histories), int(codes.max(initial=0)) + 1))
    for s, history in enumerate(histories):
        shares[s] = np.bincount(codes[history], minlength=shares.shape[1]) / max(len(history), 1)
    shares[:, 0] = 0.0
    return shares[:, codes]


def favourite(codes: Int64, histories: Sequence[Int64]) -> Int64:
    """The code that most of a user's events have, 0 if none is known: int64 (S,)."""
    known = [codes[history] for history in histories]
    return np.array([_most_common(own[own > 0]) for own in known], dtype=np.int64)


def price_distance(price: Float64, histories: Sequence[Int64]) -> Float64:
    """How far an item's log price is from the median of the user's events; 0 where either is unknown."""
    log_price = np.log(np.where(price > 0, price, np.nan))
    usual = np.array([median(log_price[history]) for history in histories])
    return np.nan_to_num(np.abs(log_price[None, :] - usual[:, None]))


def median(values: Float64) -> float:
    """Median of the finite values; NaN if there is none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def known_or_mean(values: Float64) -> Float64:
    """The column with NaN replaced by the mean of the finite values: float64 (n_items + 1,)."""
    known = np.isfinite(values)
    return np.where(known, values, values[known].mean() if known.any() else 0.0)


def _most_common(codes: Int64) -> int:
    return int(np.bincount(codes).argmax()) if len(codes) else 0


def lookalike_scores(
    codes: Sequence[tuple[Int64, float]],
    amounts: Float64,
    unseen: Bool,
    histories: Sequence[Int64],
    rng: np.random.Generator,
) -> Float64:
    """Scores of lists that resemble each user's history: each place goes to the unseen item nearest to an event drawn
    from the history.

    codes: pairs of a column (n_items + 1,) and the distance between items that differ in it.
    amounts: (n_items + 1, A); their absolute differences add to the distance.
    """
    scores = np.full(unseen.shape, -np.inf)
    for s, history in enumerate(histories):
        drawn = rng.choice(history, PLACES)
        distances = 1e-6 * rng.random((PLACES, unseen.shape[1]))
        for column, weight in codes:
            distances += weight * (column[drawn][:, None] != column[None, :])
        for amount in amounts.T:
            distances += np.abs(amount[drawn][:, None] - amount[None, :])
        scores[s] = _nearest_first(distances, unseen[s])
    return scores


def _nearest_first(distances: Float64, unseen: Bool) -> Float64:
    """Scores of one user's list, whose places are filled in turn with the nearest free item.

    distances: (PLACES, n_items + 1), one row for each place of the list.
    """
    scores = -distances.min(axis=0) - 1.0
    free = unseen.copy()
    for place, row in enumerate(distances):
        if not free.any():
            break
        best = int(np.where(free, row, np.inf).argmin())
        scores[best] = PLACES - place
        free[best] = False
    return scores
