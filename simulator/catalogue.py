"""What a shopper can know of every item: popularity, price, categories, store, rating and usual successors.

Everything is computed once per simulation, from training events and item columns. `features` computes how one
user sees an item.
"""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from seeds.interactions import Float32, Int64, Interactions
from simulator.together import Together, count_together
from simulator.transitions import Float64, Transitions, count_transitions

MAX_LABELS = 256  # category labels kept, most frequent first; rarer ones describe too few items to matter
PRICE_PRIOR = 3.0  # number of items that the wider category's usual price counts for in a category's mean


@dataclass(frozen=True, kw_only=True, eq=False)
class Catalogue:
    """Arrays over items, with n_items + 1 entries unless said otherwise; entry 0 is padding.

    counts: int64, training events
    rating_sum, rating_count: float64, all 0 if the log has no ratings
    log_price: float64, NaN if unknown
    known_prices: float64, the known log prices, ascending
    cheapness: float64, how far below the usual log price of its kind, in standard deviations; 0 if unknown
    labels: float32 (n_items + 1, C), unit rows over category labels; 0 if unknown
    broad, leaf, store: int64 codes of the first label, the whole category path and the store; 0 if unknown
    leaf_counts: int64, training events by leaf code
    broad_share, store_share: float64, share of events by code
    label_share: float32, mean similarity of the item's labels to those of an event
    item_transitions, leaf_transitions: which items and leaf categories follow which
    together: which items the same users have; None where it is not counted
    """

    n_items: int
    n_events: int
    counts: Int64
    rating_sum: Float64
    rating_count: Float64
    log_price: Float64
    known_prices: Float64
    cheapness: Float64
    labels: Float32
    broad: Int64
    leaf: Int64
    leaf_counts: Int64
    store: Int64
    broad_share: Float64
    store_share: Float64
    label_share: Float32
    item_transitions: Transitions
    leaf_transitions: Transitions
    together: Together | None = None

    @property
    def has_ratings(self) -> bool:
        """Whether the log has any rating."""
        return bool(self.rating_count.sum() > 0)

    @property
    def has_prices(self) -> bool:
        """Whether any item has a known price."""
        return len(self.known_prices) > 0

    @property
    def has_categories(self) -> bool:
        """Whether any item has a category."""
        return bool((self.leaf > 0).any())

    @property
    def has_stores(self) -> bool:
        """Whether any item has a store."""
        return bool((self.store > 0).any())


def with_pairs(catalogue: Catalogue, training: Interactions) -> Catalogue:
    """The catalogue with `together` counted, which takes memory for each pair of items that one user has."""
    return replace(catalogue, together=count_together(training))


def codes_of(names: list[object]) -> Int64:
    """Number names from 1 in order of first appearance; "" and () become 0. int64 (len(names),)."""
    known: dict[object, int] = {}
    return np.array([known.setdefault(name, len(known) + 1) if name else 0 for name in names], dtype=np.int64)


def label_names(categories: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """The labels of the columns of `label_rows`, the most frequent first; () if no item has any."""
    frequency = Counter(label for path in categories for label in dict.fromkeys(path))
    return tuple(label for label, _ in frequency.most_common(MAX_LABELS))


def label_rows(categories: tuple[tuple[str, ...], ...]) -> Float32:
    """Unit rows over the most frequent category labels: float32 (n_items + 1, C), C at least 1."""
    kept = {label: column for column, label in enumerate(label_names(categories))}
    rows = np.zeros((len(categories), max(len(kept), 1)), dtype=np.float32)
    for item, path in enumerate(categories):
        rows[item, [kept[label] for label in path if label in kept]] = 1.0
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=rows, where=length > 0)


def build_catalogue(training: Interactions) -> Catalogue:
    """Compute the catalogue from training events and item columns."""
    columns, size = training.item_columns, training.n_items + 1
    items = training.items
    counts = np.bincount(items, minlength=size)
    broad = codes_of([path[0] if path else "" for path in columns.categories])
    leaf = codes_of(list(columns.categories))
    store = codes_of(list(columns.store))
    labels = label_rows(columns.categories)
    price = np.asarray(columns.price, dtype=np.float64)
    log_price = np.log(np.where(price > 0, price, np.nan))
    rated = _rated(training)
    return Catalogue(
        n_items=training.n_items,
        n_events=training.n_events,
        counts=counts,
        rating_sum=np.bincount(items[rated], weights=_ratings(training)[rated], minlength=size).astype(
            np.float64
        ),
        rating_count=np.bincount(items[rated], minlength=size).astype(np.float64),
        log_price=log_price,
        known_prices=np.sort(log_price[np.isfinite(log_price)]),
        cheapness=_cheapness(log_price, broad, leaf),
        labels=labels,
        broad=broad,
        leaf=leaf,
        leaf_counts=np.bincount(leaf[items], minlength=int(leaf.max(initial=0)) + 1),
        store=store,
        broad_share=_event_share(broad, counts),
        store_share=_event_share(store, counts),
        label_share=_label_share(labels, counts, training.n_events),
        item_transitions=count_transitions(training.users, items, size),
        leaf_transitions=count_transitions(training.users, leaf[items], int(leaf.max(initial=0)) + 1),
    )


def _ratings(training: Interactions) -> Float64:
    if training.ratings is None:
        return np.full(training.n_events, np.nan)
    return training.ratings.astype(np.float64)


def _rated(training: Interactions) -> Int64:
    return np.flatnonzero(np.isfinite(_ratings(training)))


def _event_share(codes: Int64, counts: Int64) -> Float64:
    """Share of events per code, never 0, so that logarithms stay finite."""
    events = np.bincount(codes, weights=counts.astype(np.float64))
    return (events + 0.5) / (events.sum() + 0.5 * len(events))


def _label_share(labels: Float32, counts: Int64, n_events: int) -> Float32:
    """Mean cosine of each item's labels with those of an event.

    Items with equal labels get equal values, to the last bit.
    """
    mean = (counts @ labels.astype(np.float64)) / max(n_events, 1)  # (C,)
    return np.einsum(
        "ic,c->i", labels, mean.astype(np.float32)
    )  # a matrix product may differ between equal rows


def _cheapness(log_price: Float64, broad: Int64, leaf: Int64) -> Float64:
    known = np.isfinite(log_price)
    if known.sum() < 2:
        return np.zeros(len(log_price))
    usual = np.full(len(log_price), log_price[known].mean())
    for codes in (broad, leaf):  # the mean of each category is shrunk to that of the wider one
        number = np.bincount(codes[known], minlength=int(codes.max()) + 1)
        summed = np.bincount(codes[known], weights=log_price[known], minlength=len(number))
        drawn = (summed[codes] + PRICE_PRIOR * usual) / (number[codes] + PRICE_PRIOR)
        usual = np.where(codes > 0, drawn, usual)
    below = np.where(known, usual - log_price, 0.0)
    spread = below[known].std()
    return below / spread if spread > 0 else np.zeros(len(log_price))
