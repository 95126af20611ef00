"""The page that a simulated user looks at: ten recommended items in words and
figures, and the user's recent history.
"""

from dataclasses import dataclass

import numpy as np

from seeds.interactions import Int64, Interactions
from simulator.catalogue import Catalogue

PAGE_SIZE = 10
RECENT_EVENTS = 5


@dataclass(frozen=True, kw_only=True)
class PageItem:
    """One item as shown.

    item: its id in the data
    title: the source's own id if there is no title
    categories: broad to narrow
    price, average_rating: None if unknown
    store: "" if unknown
    popularity: number of training events
    popularity_rank: share of items that have fewer events, 0..1
    """

    item: int
    title: str
    categories: tuple[str, ...]
    price: float | None
    store: str
    popularity: int
    popularity_rank: float
    average_rating: float | None


@dataclass(frozen=True, kw_only=True)
class RecentEvent:
    """One of the user's own last events.

    rating: None if the data has none
    timestamp: seconds, None if the data has none
    """

    shown: PageItem
    rating: float | None
    timestamp: int | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page for one user.

    items: at most PAGE_SIZE, best first
    recent: the user's last events, newest first
    """

    user: int
    items: tuple[PageItem, ...]
    recent: tuple[RecentEvent, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class PageMaker:
    """Makes pages from item ids, with the catalogue and the training log."""

    training: Interactions
    catalogue: Catalogue
    sorted_counts: Int64  # (n_items,) ascending

    def show(self, item: int) -> PageItem:
        """The item as a page shows it."""
        columns, counts = self.training.item_columns, self.catalogue.counts
        price, ratings = float(columns.price[item]), self.catalogue.rating_count[item]
        rank = np.searchsorted(self.sorted_counts, counts[item]) / max(len(self.sorted_counts), 1)
        return PageItem(
            item=item,
            title=columns.title[item] or f"item {self.training.item_names[item]}",
            categories=columns.categories[item],
            price=price if np.isfinite(price) else None,
            store=columns.store[item],
            popularity=int(counts[item]),
            popularity_rank=float(rank),
            average_rating=float(self.catalogue.rating_sum[item] / ratings) if ratings else None,
        )

    def page(self, user: int, items: Int64, history: Int64, *, recent_events: int = RECENT_EVENTS) -> Page:
        """A page of these items.

        items: int64 (<= PAGE_SIZE,), best first, no zeros
        history: int64 (T,), oldest first
        """
        recent = tuple(self._recent(user, int(item)) for item in history[::-1][:recent_events])
        return Page(user=user, items=tuple(self.show(int(item)) for item in items), recent=recent)

    def _recent(self, user: int, item: int) -> RecentEvent:
        training = self.training
        events = np.flatnonzero(training.history(user) == item) + training.offsets[user]
        if not len(events):  # an event after training, which only the question's history holds
            return RecentEvent(shown=self.show(item), rating=None, timestamp=None)
        rating = None if training.ratings is None else float(training.ratings[events[-1]])
        time = None if training.timestamps is None else int(training.timestamps[events[-1]])
        return RecentEvent(shown=self.show(item), rating=rating, timestamp=time)


def build_shelf(training: Interactions, catalogue: Catalogue) -> PageMaker:
    """A PageMaker for this data."""
    return PageMaker(training=training, catalogue=catalogue, sorted_counts=np.sort(catalogue.counts[1:]))
