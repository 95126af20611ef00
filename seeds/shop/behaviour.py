"""Simulates customers' purchases: a customer follows up on a recent purchase, stays on a shelf, or looks elsewhere.

All customers make their t-th purchase at once. No customer buys an item twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Float32, Int64
from seeds.shop.catalog import Catalog
from seeds.shop.customers import Customers

# An item pulls its followers for three purchases. Customers read a volume or use a device before they want the next
# item, so the pull is strongest one purchase later, and a model of the last purchase alone misses most of it.
PULL_BY_AGE = np.array([0.5, 1.0, 0.8], np.float32)
FOLLOW = 0.15  # chance to follow a pull of 1
FOLLOW_AT_MOST = 0.5
STAY = 0.55  # chance to look on the same shelf again, for a customer who seeks no variety
RECENT = 5  # number of purchases whose shelves a variety seeker avoids
DAY_S = 86_400
OPENING = 1_640_995_200  # 2022-01-01 00:00 UTC
YEARS_OPEN = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Purchases:
    """All purchases, in no particular order.

    users, items, timestamps: int64 (N,)
    ratings: float32 (N,), 1..5
    """

    users: Int64
    items: Int64
    timestamps: Int64
    ratings: Float32


def shop_around(customers: Customers, catalog: Catalog, rng: np.random.Generator) -> Purchases:
    """Let every customer buy `n_events` items."""
    users = np.argsort(-customers.n_events, kind="stable")[
        :-1
    ]  # (n_users,) busiest first; 0 is last and dropped
    lengths = customers.n_events[users]
    longest = int(lengths[0])
    bought = np.zeros((len(users), longest), np.int64)
    seen = np.zeros((len(users), catalog.n_items + 1), bool)
    seen[:, 0] = True
    shelf = np.zeros(len(users), np.int64)
    for step in range(longest):
        active = int(np.searchsorted(-lengths, -step, side="left"))  # users with more than `step` purchases
        who = users[:active]
        follow = _follow_up(
            bought[:active, max(0, step - len(PULL_BY_AGE)) : step][:, ::-1], seen[:active], catalog, rng
        )
        shelf[:active] = _next_shelf(who, shelf[:active], bought[:active, :step], customers, catalog, rng)
        browsed = _browse(who, shelf[:active], seen[:active], customers, catalog, rng)
        items = np.where(follow > 0, follow, browsed)
        bought[:active, step] = items
        seen[np.arange(active), items] = True
    rows, steps = np.nonzero(bought)
    times = _times(lengths, longest, rng)
    items = bought[rows, steps]
    return Purchases(
        users=users[rows],
        items=items,
        timestamps=times[rows, steps],
        ratings=_ratings(users[rows], items, customers, catalog, rng),
    )


def _follow_up(latest: Int64, seen: NDArray[np.bool_], catalog: Catalog, rng: np.random.Generator) -> Int64:
    """The item that each of B customers buys because of earlier purchases, 0 for none: int64 (B,).

    latest: (B, up to 3), newest first
    """
    if not latest.shape[1]:
        return np.zeros(len(latest), np.int64)
    followers = catalog.followers[latest].reshape(len(latest), -1)  # (B, ages * FOLLOWERS)
    pull = (catalog.pull[latest] * PULL_BY_AGE[: latest.shape[1], None]).reshape(len(latest), -1)
    pull = np.where(np.take_along_axis(seen, followers, axis=1), 0, pull)
    total = pull.sum(axis=1)
    follows = rng.random(len(latest)) < np.minimum(FOLLOW * total, FOLLOW_AT_MOST)
    threshold = rng.random(len(latest)) * total
    chosen = np.argmax(np.cumsum(pull, axis=1) > threshold[:, None], axis=1)
    return np.where(follows, followers[np.arange(len(latest)), chosen], 0)


def _next_shelf(
    who: Int64, shelf: Int64, bought: Int64, customers: Customers, catalog: Catalog, rng: np.random.Generator
) -> Int64:
    """The shelf that each customer looks at: (B,).

    Shelves lead to related shelves; variety seekers leave sooner and avoid shelves of recent purchases.
    """
    variety = customers.drivers["variety"][who]
    liking = customers.shelf_taste[who] + (bought.shape[1] > 0) * catalog.kinship[shelf]  # (B, n_shelves)
    for item in bought[:, -RECENT:].T:
        liking[np.arange(len(who)), catalog.shelf[item]] -= 1.5 * variety
    elsewhere = np.argmax(liking + rng.gumbel(size=liking.shape), axis=1)
    stays = (rng.random(len(who)) < STAY * (1 - variety)) & (bought.shape[1] > 0)
    return np.where(stays, shelf, elsewhere)


def _browse(
    who: Int64,
    shelf: Int64,
    seen: NDArray[np.bool_],
    customers: Customers,
    catalog: Catalog,
    rng: np.random.Generator,
) -> Int64:
    """The unseen item on the shelf that each customer likes best, by a logit choice: (B,)."""
    items = catalog.on_shelf[shelf]  # (B, M)
    liking = (0.5 + 2.0 * customers.drivers["conformity"][who, None]) * catalog.appeal[items]
    liking -= (0.1 + 2.0 * customers.drivers["price_sensitivity"][who, None]) * catalog.price_level[items]
    at_favourite = catalog.store[items] == customers.favourite_store[who, None]
    liking += 3.0 * customers.drivers["loyalty"][who, None] * at_favourite
    liking += (1.2 + 0.6 * customers.drivers["taste"][who, None]) * _fit(who, items, customers, catalog)
    liking += rng.gumbel(size=items.shape)
    best = np.argmax(np.where(np.take_along_axis(seen, items, axis=1), -np.inf, liking), axis=1)
    chosen = items[np.arange(len(who)), best]
    for row in np.flatnonzero(seen[np.arange(len(who)), chosen]):  # the customer has bought the whole shelf
        chosen[row] = rng.choice(np.flatnonzero(~seen[row]))
    return chosen


def _fit(who: Int64, items: Int64, customers: Customers, catalog: Catalog) -> Float32:
    """How well the items' style suits their customers, about standard normal. who (B,), items (B, ...)."""
    taste, style = customers.style_taste[who], catalog.style[items]
    subscripts = "bs,bms->bm" if items.ndim == 2 else "bs,bs->b"
    return np.einsum(subscripts, taste, style) / np.sqrt(style.shape[-1], dtype=np.float32)


def _times(lengths: Int64, longest: int, rng: np.random.Generator) -> Int64:
    """Seconds of each purchase, increasing along a row: int64 (B, longest). Purchases come in bursts of days."""
    pause = rng.random((len(lengths), longest)) < 0.3
    gaps = rng.exponential(np.where(pause, 20 * DAY_S, 0.5 * DAY_S)) + 60
    elapsed = np.cumsum(gaps, axis=1)
    span = elapsed[np.arange(len(lengths)), lengths - 1]
    room = YEARS_OPEN * 365 * DAY_S
    elapsed *= np.minimum(1.0, 0.95 * room / span)[:, None]
    start = rng.random(len(lengths)) * np.maximum(room - np.minimum(span, 0.95 * room), 0)
    return (OPENING + start[:, None] + elapsed).astype(np.int64)


def _ratings(
    users: Int64, items: Int64, customers: Customers, catalog: Catalog, rng: np.random.Generator
) -> Float32:
    """Stars 1..5 from quality, fit and price; a conformist's rating stays close to the item's quality."""
    own = 0.5 * _fit(users, items, customers, catalog) + rng.normal(scale=0.8, size=len(users))
    own -= 0.5 * customers.drivers["price_sensitivity"][users] * catalog.price_level[items]
    distance = 1 - 0.8 * customers.drivers["conformity"][users]
    stars = 3.8 + catalog.quality[items] + distance * own
    return np.clip(np.round(stars), 1, 5).astype(np.float32)
