"""The features of the choice model: how one user sees items at one moment.

Every feature is oriented so that more means more of its signal. Affinities are smoothed log-lifts
`log((count + a * share) / ((total + a) * share))`: 0 means as much as other users, above 0 more.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Float32, Int64
from simulator.catalogue import Catalogue
from simulator.transitions import WINDOW, Float64, Transitions, lag_weights

AFFINITY_PRIOR = 4.0  # number of events that the overall share counts for in a user's affinity
TRANSITION_PRIOR = 10.0  # number of transitions that the overall share counts for
TOGETHER_EVENTS = 30  # newest events of a user that are looked at for what the same people take
TOGETHER_PRIOR = 10.0  # number of pairs that the overall share counts for
RATING_PRIOR = 5.0  # number of ratings that the overall mean counts for in an item's average

SIGNAL_OF_COLUMN = {
    "popularity": "popularity",
    "price_fit": "price",
    "cheapness": "price",
    "broad_category": "category",
    "category_labels": "category",
    "store": "store",
    "next_item": "sequence",
    "next_kind": "sequence",
    "variety": "variety",
    "quality": "quality",
    "together": "together",
}


class Moments(Protocol):
    """E moments, each with what a user knew of himself then, and J candidate items: all that the features are made of.

    lengths: int64 (E,), events known so far
    candidates: int64 (E, J)
    own: bool (E, J), true if the candidate is the training event at this moment, which then is left out of every count
    """

    @property
    def lengths(self) -> Int64: ...
    @property
    def candidates(self) -> Int64: ...
    @property
    def own(self) -> NDArray[np.bool_]: ...

    def newest(self, number: int) -> Int64:
        """The last `number` items before each moment, newest first, 0 if there are fewer: (E, number)."""
        ...

    def count(self, codes: Int64) -> Float64:
        """How many events so far have the candidate's code: (E, J). codes: one per item."""
        ...

    def sum_of(self, rows: Float32) -> Float32:
        """The sum of the rows of all items so far: rows (n_items + 1, C) to (E, C)."""
        ...

    def paid(self, log_price: Float64) -> tuple[Float64, Float64]:
        """The sum of the known log prices so far, and how many are known: (E,) each."""
        ...

    def own_ratings(self) -> Float64 | None:
        """The rating of the event at each moment, NaN if unrated: (E, 1). None if no candidate is an event, or without ratings."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class ChoiceSets:
    """E moments of one user, with J candidate items at each: a kind of `Moments`.

    history: int64 (T,), items, oldest first
    ratings: float32 (T,), aligned with history, or None
    cutoffs: int64 (E,); at moment e the user knows `history[:cutoffs[e]]`
    candidates: int64 (E, J)
    own: bool (E, J), true if the candidate is the training event `history[cutoffs[e]]` itself, which
        then is left out of every count
    """

    history: Int64
    ratings: Float32 | None
    cutoffs: Int64
    candidates: Int64
    own: NDArray[np.bool_]

    @property
    def lengths(self) -> Int64:
        """See `Moments`."""
        return self.cutoffs

    def newest(self, number: int) -> Int64:
        """See `Moments`."""
        padded = np.concatenate([np.zeros(number, dtype=np.int64), self.history])
        return padded[self.cutoffs[:, None] + number - 1 - np.arange(number)]

    def count(self, codes: Int64) -> Float64:
        """See `Moments`."""
        own_codes, place = np.unique(codes[self.history], return_inverse=True)
        seen = np.zeros((len(self.history) + 1, len(own_codes) + 1))  # last column: codes not in the history
        seen[np.arange(1, len(seen)), place] = 1.0
        seen = np.cumsum(seen, axis=0)
        wanted = codes[self.candidates]  # (E, J)
        column = np.minimum(np.searchsorted(own_codes, wanted), len(own_codes) - 1)
        column = np.where(own_codes[column] == wanted, column, len(own_codes))
        return seen[self.cutoffs[:, None], column]

    def sum_of(self, rows: Float32) -> Float32:
        """See `Moments`."""
        summed = np.zeros((len(self.history) + 1, rows.shape[-1]), dtype=np.float32)
        np.cumsum(rows[self.history], axis=0, out=summed[1:])
        return summed[self.cutoffs]

    def paid(self, log_price: Float64) -> tuple[Float64, Float64]:
        """See `Moments`."""
        paid = log_price[self.history]
        total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(paid))])[self.cutoffs]
        number = np.concatenate([[0.0], np.cumsum(np.isfinite(paid))])[self.cutoffs]
        return total, number

    def own_ratings(self) -> Float64 | None:
        """See `Moments`."""
        if self.ratings is None or not self.own.any():
            return None
        return self.ratings[np.minimum(self.cutoffs, len(self.ratings) - 1)].astype(np.float64)[:, None]


def available_columns(catalogue: Catalogue) -> tuple[str, ...]:
    """The features that this data allows, in a fixed order."""
    present = {
        "price_fit": catalogue.has_prices,
        "cheapness": catalogue.has_prices,
        "broad_category": catalogue.has_categories,
        "category_labels": catalogue.has_categories,
        "store": catalogue.has_stores,
        "next_kind": catalogue.has_categories,
        "variety": catalogue.has_categories,
        "quality": catalogue.has_ratings,
        "together": catalogue.together is not None,
    }
    return tuple(name for name in SIGNAL_OF_COLUMN if present.get(name, True))


def compute_features(catalogue: Catalogue, sets: Moments, columns: tuple[str, ...]) -> Float32:
    """Raw features of every candidate: float32 (E, J, len(columns))."""
    labels = catalogue.labels[sets.candidates] if "category_labels" in columns else None
    makers = {
        "popularity": lambda: np.log1p(catalogue.counts[sets.candidates] - sets.own),
        "price_fit": lambda: _price_fit(catalogue, sets),
        "cheapness": lambda: catalogue.cheapness[sets.candidates],
        "broad_category": lambda: _code_affinity(catalogue.broad, catalogue.broad_share, sets),
        "category_labels": lambda: _label_affinity(catalogue, sets, labels),
        "store": lambda: _code_affinity(catalogue.store, catalogue.store_share, sets),
        "next_item": lambda: _following(
            catalogue.item_transitions, catalogue.counts, sets.newest(WINDOW), sets.candidates, sets.own
        ),
        "next_kind": lambda: _following(
            catalogue.leaf_transitions,
            catalogue.leaf_counts,
            catalogue.leaf[sets.newest(WINDOW)],
            catalogue.leaf[sets.candidates],
            sets.own,
        ),
        "variety": lambda: _variety(catalogue, sets, labels),
        "quality": lambda: _quality(catalogue, sets),
        "together": lambda: _together(catalogue, sets),
    }
    return np.stack([makers[name]() for name in columns], axis=-1).astype(np.float32)


def log_lift(count: Float64, total: Float64, share: Float64, prior: float) -> Float64:
    """Log of how much more frequent something is than its overall share, smoothed by `prior` events of that share."""
    return np.log((count + prior * share) / ((total + prior) * share))


def _code_affinity(codes: Int64, share: Float64, sets: Moments) -> Float64:
    wanted = codes[sets.candidates]  # (E, J)
    lift = log_lift(
        sets.count(codes), sets.lengths[:, None].astype(np.float64), share[wanted], AFFINITY_PRIOR
    )
    return np.where(wanted > 0, lift, 0.0)


def _label_affinity(catalogue: Catalogue, sets: Moments, labels: Float32 | None) -> Float64:
    assert labels is not None
    count = np.einsum("ejc,ec->ej", labels, sets.sum_of(catalogue.labels)).astype(np.float64)
    share = np.maximum(catalogue.label_share[sets.candidates], 1e-6).astype(np.float64)
    lift = log_lift(count, sets.lengths[:, None].astype(np.float64), share, AFFINITY_PRIOR)
    return np.where(catalogue.leaf[sets.candidates] > 0, lift, 0.0)


def _price_fit(catalogue: Catalogue, sets: Moments) -> Float64:
    """Minus the distance to the user's usual log price, in standard deviations of all log prices.

    An item with an unknown price counts as one standard deviation away.
    """
    known = catalogue.known_prices
    total, number = sets.paid(catalogue.log_price)
    usual = (total + known.mean()) / (number + 1)  # the overall mean price counts as one event
    distance = np.abs(catalogue.log_price[sets.candidates] - usual[:, None]) / max(float(known.std()), 1e-6)
    return -np.where(np.isfinite(distance), distance, 1.0)


def _following(
    transitions: Transitions, counts: Int64, recent: Int64, wanted: Int64, own: NDArray[np.bool_]
) -> Float64:
    """Log-lift of the codes `wanted` (E, J) after the codes `recent` (E, WINDOW), newest first.

    counts: events per code
    own: candidates whose own training event is left out of the counts
    """
    decay = lag_weights()
    # The own event was counted once per recent code, at that code's lag, and is looked up again for each equal code.
    equal = np.equal(recent[:, :, None], recent[:, None, :]) & np.greater(recent, 0)[:, :, None]  # (E, W, W)
    own_weight = (equal @ decay @ decay)[:, None] * np.any(own, axis=1, keepdims=True)  # (E, 1)
    pair = np.zeros(wanted.shape)
    for back, weight in enumerate(decay):
        pair += weight * transitions.weight(recent[:, back, None], wanted)
    pair = np.maximum(pair - own_weight * own, 0.0)
    total = np.maximum((transitions.totals[recent] @ decay)[:, None] - own_weight, 0.0)
    share = (np.maximum(counts[wanted] - own, 0) + 0.5) / (counts.sum() + 0.5 * len(counts))
    return np.where(wanted > 0, log_lift(pair, total, share, TRANSITION_PRIOR), 0.0)


def _variety(catalogue: Catalogue, sets: Moments, labels: Float32 | None) -> Float64:
    """1 minus the decayed mean cosine between the candidate's categories and those of the last items."""
    assert labels is not None
    recent, decay = sets.newest(WINDOW), lag_weights()
    weight = (recent > 0) * decay
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    lately = np.einsum("ew,ewc->ec", weight, catalogue.labels[recent]).astype(np.float32)
    return 1.0 - np.einsum("ejc,ec->ej", labels, lately)


def _quality(catalogue: Catalogue, sets: Moments) -> Float64:
    """The item's average rating, shrunk to the overall mean by RATING_PRIOR ratings."""
    mean = catalogue.rating_sum.sum() / catalogue.rating_count.sum()
    total, number = catalogue.rating_sum[sets.candidates], catalogue.rating_count[sets.candidates]
    rating = sets.own_ratings()
    if rating is not None:
        rated = sets.own & np.isfinite(rating)
        total, number = total - np.where(rated, rating, 0.0), number - rated
    return (total + RATING_PRIOR * mean) / (number + RATING_PRIOR)


def _together(catalogue: Catalogue, sets: Moments) -> Float64:
    """Log-lift of how many users have the candidate among those who have the user's newest items, whatever their order."""
    assert catalogue.together is not None
    together, own = catalogue.together, sets.own
    before = sets.newest(TOGETHER_EVENTS)  # (E, TOGETHER_EVENTS)
    there = before > 0
    pairs = together.count(before[:, :, None], sets.candidates[:, None]).sum(axis=1, dtype=np.float64)
    # The chooser himself has the candidate and each item before: once per item, which his own event makes.
    pairs -= there.sum(axis=1)[:, None] * own
    total = together.users[before].sum(axis=1) - there.sum(axis=1) * np.any(own, axis=1)
    share = (np.maximum(together.users[sets.candidates] - own, 0.0) + 0.5) / (together.n_users + 1)
    return log_lift(np.maximum(pairs, 0.0), np.maximum(total, 0.0)[:, None], share, TOGETHER_PRIOR)
