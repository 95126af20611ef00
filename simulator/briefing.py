"""The values of the prompts that describe a user and a page to the LLM that plays the user.

All text from the data (titles, categories, stores) is cut to a length and put as JSON between two tags
(`text.as_data`, `text.as_table`). Rendering is deterministic: the same persona and page give the same prompt. What is the same for all
users stands first in the prompts, so that an endpoint can keep it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from seeds.interactions import Int64, Interactions
from simulator.pages import Page, PageItem, PageMaker
from simulator.personas import Persona
from simulator.signals import SIGNALS
from simulator.text import as_data, as_table

RECENT_TOLD = 12  # events listed one by one; all events together are summarised in figures
COMMON = 5  # categories and stores named in the figures
TITLE = 120  # characters of a title, a category or a store
LABELS = 6  # category labels of one item


@dataclass(frozen=True, kw_only=True, eq=False)
class Briefing:
    """One user at one moment.

    history: int64 (T,), all items of his past, oldest first
    signals: the signals that the data can show
    """

    persona: Persona
    shelf: PageMaker
    history: Int64
    signals: tuple[str, ...]

    @property
    def rates(self) -> bool:
        """Whether the data has ratings, so that the user is asked for some."""
        return self.shelf.training.ratings is not None

    def page(self, items: Int64) -> Page:
        """A page of these items, with the user's RECENT_TOLD last events."""
        return self.shelf.page(self.persona.user, items, self.history, recent_events=RECENT_TOLD)

    def values(self, page: Page) -> Mapping[str, Any]:
        """The values of the prompts `persona` and `persona-choice`."""
        return {
            "traits": [trait for trait in self.persona.traits if "unknown" not in trait],
            "past": as_data(
                [
                    tell_past(self.shelf.training, self.persona.user, self.history)
                    | _tell_crowd(self.shelf, self.history)
                ]
            ),
            "recent": as_table(_tell_event(page, place) for place in range(len(page.recent))),
            "page": as_table({"item": item.item, **tell_item(item)} for item in page.items),
            "signals": [
                {"name": name, **{key: getattr(SIGNALS[name], key) for key in SAID_OF_SIGNALS}}
                for name in self.signals
            ],
            "rates": self.rates,
        }


SAID_OF_SIGNALS = ("meaning", "too_much", "too_little")


def tell_item(item: PageItem) -> dict[str, Any]:
    """An item as a shopper sees it; unknown facts are left out."""
    known = {
        "title": item.title[:TITLE],
        "categories": [label[:TITLE] for label in item.categories[:LABELS]],
        "price": None if item.price is None else round(item.price, 2),
        "store": item.store[:TITLE],
        "average_rating": None if item.average_rating is None else round(item.average_rating, 2),
    }
    shown = {key: value for key, value in known.items() if value not in (None, "", [])}
    return {
        **shown,
        "taken_by": item.popularity,
        "more_popular_than": round(100 * item.popularity_rank),
    }


def _tell_event(page: Page, place: int) -> dict[str, Any]:
    event = page.recent[place]
    told: dict[str, Any] = {} if event.timestamp is None else {"date": _day(event.timestamp)}
    known = tell_item(event.shown)
    told |= {name: known[name] for name in ("title", "categories", "price", "store") if name in known}
    if "categories" in told:
        told["category"] = told.pop("categories")[-1]
    if event.rating is not None and np.isfinite(event.rating):
        told["your_rating"] = round(event.rating, 2)
    return told


def tell_past(training: Interactions, user: int, history: Int64) -> dict[str, Any]:
    """The user's whole past in figures; facts that the data lacks are left out."""
    columns = training.item_columns
    prices = columns.price[history].astype(np.float64)
    prices = prices[np.isfinite(prices)]
    events = slice(
        training.offsets[user], min(training.offsets[user] + len(history), training.offsets[user + 1])
    )
    told: dict[str, Any] = {"items_taken_so_far": len(history)}
    if training.timestamps is not None and len(training.timestamps[events]):
        times = training.timestamps[events]
        told["first_and_last_date"] = [_day(int(times[0])), _day(int(times[-1]))]
    if len(prices):
        low, usual, high = np.percentile(prices, [10, 50, 90])
        told["usual_price"] = round(float(usual), 2)
        told["most_prices_between"] = [round(float(low), 2), round(float(high), 2)]
    told["most_common_categories"] = _common(columns.categories[item][-1:] for item in history)
    told["most_common_stores"] = _common([columns.store[item]] for item in history)
    told |= _tell_ratings(training, events)
    return {key: value for key, value in told.items() if value}


def _tell_crowd(shelf: PageMaker, history: Int64) -> dict[str, Any]:
    """How popular the user's items are, and how everybody rates them: what the list of events leaves out."""
    ranks = np.searchsorted(shelf.sorted_counts, shelf.catalogue.counts[history]) / max(
        len(shelf.sorted_counts), 1
    )
    rated = shelf.training.item_columns.average_rating[history].astype(np.float64)
    rated = rated[np.isfinite(rated)]
    if not len(ranks):
        return {}
    told: dict[str, Any] = {
        "your_items_more_popular_than": [round(100 * float(x)) for x in np.percentile(ranks, [10, 50, 90])]
    }
    return told | ({"average_rating_of_your_items": round(float(rated.mean()), 2)} if len(rated) else {})


def _tell_ratings(training: Interactions, events: slice) -> dict[str, Any]:
    """How this user rates, and how all users rate."""
    if training.ratings is None:
        return {}
    every = training.ratings[np.isfinite(training.ratings)].astype(np.float64)
    own = training.ratings[events].astype(np.float64)
    own = own[np.isfinite(own)]
    if not len(own):
        return {}
    return {
        "your_average_rating": round(float(own.mean()), 2),
        "everybodys_average_rating": round(float(every.mean()), 2),
        "lowest_and_highest_rating_possible": [float(every.min()), float(every.max())],
    }


def _common(names: Iterable[Iterable[str]]) -> list[str]:
    """The most frequent names, as `name (number of items)`."""
    counted = Counter(name for own in names for name in own if name)
    frequent = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:COMMON]
    return [f"{name[:TITLE]} ({number})" for name, number in frequent]


def _day(timestamp: int) -> str:
    """The date of a time in seconds, UTC."""
    return str(np.datetime64(timestamp, "s"))[:10]
