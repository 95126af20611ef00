"""One user before his page: what each item is worth to him, and what pages of his own choice look like.

Nothing is judged by a fixed threshold. A page is compared with pages that the same user's choice model would
fill (drawn without replacement in proportion to exp(utility)), and with its best page.
"""

from dataclasses import dataclass

import numpy as np

from seeds.interactions import Int64
from simulator.catalogue import Catalogue
from simulator.choice import ChoiceModel
from simulator.features import SIGNAL_OF_COLUMN, ChoiceSets, compute_features
from simulator.pages import PAGE_SIZE
from simulator.panel import untouched_items
from simulator.transitions import Float64

OWN_PAGES = 40  # drawn per user; enough for the percentiles at TAIL
DECIMALS = 3  # of worth, in log odds of a choice: nothing to a user, and far above rounding errors
TAIL = 0.05  # share of a user's own pages that lies beyond either end of their band


@dataclass(frozen=True, kw_only=True, eq=False)
class PageStatistics:
    """Of B pages of one user. worth: float64 (B, S), mean utility by signal, under his own weights. amount:
    float64 (B, S), how much of the signal there is, whether he wants it or not. sameness: float64 (B, 2),
    mean similarity between two items of the page: in categories (cosine), in store (0 or 1)."""

    worth: Float64
    amount: Float64
    sameness: Float64


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnPages:
    """What a user's own pages are like (each B = 1): their mean, and the band that holds 90 of 100 of them."""

    mean: PageStatistics
    low: PageStatistics
    high: PageStatistics


@dataclass(frozen=True, kw_only=True, eq=False)
class Viewpoint:
    """items: int64 (n,), those the user never touched, ascending. features: float64 (n, F), standardised.
    weights: float64 (F,), his own. utility: float64 (n,), what each item is worth to him. grouping: float64 (F, S),
    1 where column f belongs to signal s. emphasis: float64 (F,), everybody's absolute weights. own_pages: of
    OWN_PAGES pages drawn from his own choices; best_page: of the best ten (B = 1). best_items: int64 (<= 10,).
    typical_worth: float64 (S,), mean over all items."""

    user: int
    history: Int64
    items: Int64
    features: Float64
    weights: Float64
    utility: Float64
    grouping: Float64
    emphasis: Float64
    signals: tuple[str, ...]
    own_pages: OwnPages
    best_page: PageStatistics
    best_items: Int64
    typical_worth: Float64
    fitting_utility: float  # three quarters of the items on his own pages are worth more

    def rows(self, items: Int64) -> Int64:
        """Rows of items in `features`. Items that the user already touched have none and are dropped."""
        place = np.minimum(np.searchsorted(self.items, items), len(self.items) - 1)
        return place[self.items[place] == items]

    def worth(self, features: Float64) -> Float64:
        """Utility by signal: (..., F) to (..., S)."""
        return rounded((features * self.weights) @ self.grouping)

    def amount(self, features: Float64) -> Float64:
        """How much of each signal there is, wanted or not: (..., F) to (..., S)."""
        return rounded((features * self.emphasis) @ self.grouping)


def signals_of(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The signals that the columns speak of, in a fixed order."""
    return tuple(dict.fromkeys(SIGNAL_OF_COLUMN[name] for name in columns))


def look(
    catalogue: Catalogue, model: ChoiceModel, *, user: int, history: Int64, rng: np.random.Generator
) -> Viewpoint:
    """Put oneself in a user's place. history: int64 (T,), oldest first, all he has done so far."""
    items, signals = untouched_items(history, catalogue.n_items), signals_of(model.columns)
    features = model.standardise(describe(catalogue, model.columns, history, items))
    weights, emphasis = model.weights_of(user), np.abs(model.weights)
    grouping = np.array(
        [[SIGNAL_OF_COLUMN[c] == s for s in signals] for c in model.columns], dtype=np.float64
    )
    utility = rounded((features * weights).sum(axis=1))
    size = min(PAGE_SIZE, len(items))
    best = np.argsort(-utility, kind="stable")[:size]
    noise = rng.gumbel(size=(OWN_PAGES, len(items))).astype(np.float32)
    drawn = np.argpartition(-(utility + noise), size - 1, axis=1)[:, :size]  # Gumbel top-k, (OWN_PAGES, size)

    def measure(rows: Int64) -> PageStatistics:
        return measure_pages(catalogue, items[rows], features[rows], weights, emphasis, grouping)

    return Viewpoint(
        user=user,
        history=history,
        items=items,
        features=features,
        weights=weights,
        utility=utility,
        grouping=grouping,
        emphasis=emphasis,
        signals=signals,
        own_pages=summarise(measure(drawn)),
        best_page=measure(best[None]),
        best_items=items[best],
        typical_worth=((features * weights) @ grouping).mean(axis=0),
        fitting_utility=float(np.percentile(utility[drawn], 25)),
    )


def summarise(pages: PageStatistics) -> OwnPages:
    """Mean and band of the statistics of B pages."""

    every = np.concatenate([pages.worth, pages.amount, pages.sameness], axis=1)  # (B, 2 S + 2)
    n_signals = pages.worth.shape[1]

    def split(row: Float64) -> PageStatistics:
        worth, amount, sameness = np.split(row[None], [n_signals, 2 * n_signals], axis=1)
        return PageStatistics(worth=worth, amount=amount, sameness=sameness)

    low, high = np.percentile(every, [100 * TAIL, 100 * (1 - TAIL)], axis=0)
    return OwnPages(mean=split(rounded(every.mean(axis=0))), low=split(low), high=split(high))


def describe(catalogue: Catalogue, columns: tuple[str, ...], history: Int64, items: Int64) -> Float64:
    """Raw features of items after `history`: (n, F)."""
    sets = ChoiceSets(
        history=history,
        ratings=None,
        cutoffs=np.array([len(history)]),
        candidates=items[None],
        own=np.zeros((1, len(items)), dtype=bool),
    )
    return compute_features(catalogue, sets, columns)[0].astype(np.float64)


def measure_pages(
    catalogue: Catalogue,
    items: Int64,
    features: Float64,
    weights: Float64,
    emphasis: Float64,
    grouping: Float64,
) -> PageStatistics:
    """Statistics of pages. items: int64 (B, k). features: float64 (B, k, F), standardised."""
    mean = features.mean(axis=1)  # (B, F)
    labels = catalogue.labels[items].astype(np.float64)  # (B, k, C)
    known = (catalogue.leaf[items] > 0).sum(axis=1)
    alike = (labels.sum(axis=1) ** 2).sum(axis=1) - known
    store = catalogue.store[items]
    same = (store[:, :, None] == store[:, None, :]) & (store > 0)[:, :, None]
    named = (store > 0).sum(axis=1)
    sameness = [
        alike / np.maximum(known * (known - 1), 1),
        (same.sum((1, 2)) - named) / np.maximum(named * (named - 1), 1),
    ]
    return PageStatistics(
        worth=rounded((mean * weights) @ grouping),
        amount=rounded((mean * emphasis) @ grouping),
        sameness=rounded(np.stack(sameness, axis=1)),
    )


def measure_shown(catalogue: Catalogue, view: Viewpoint, rows: Int64) -> PageStatistics:
    """Statistics of one page (B = 1), given by its items' rows in the viewpoint: int64 (k,), k > 0."""
    items, features = view.items[rows][None], view.features[rows][None]
    return measure_pages(catalogue, items, features, view.weights, view.emphasis, view.grouping)


def rounded(worth: Float64) -> Float64:
    """worth (...), to DECIMALS: what a user knows the same of is worth the same to him, in whatever order it was added."""
    return np.round(worth, DECIMALS) + 0.0
