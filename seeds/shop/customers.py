"""The shop's customers: the drivers of their choices, and their tastes."""

from dataclasses import dataclass

import numpy as np

from seeds.interactions import Float32, Int64
from seeds.shop.catalog import STYLES, Catalog
from seeds.shop.words import STORES, ShelfKind

DRIVERS = ("taste", "price_sensitivity", "conformity", "variety", "loyalty")
ACCESSORY_BROWSING = -2.5  # customers come to accessories mostly through a device


@dataclass(frozen=True, kw_only=True, eq=False)
class Customers:
    """Users 1..n_users; every array has n_users + 1 entries, entry 0 is padding.

    drivers: name -> strength in 0..1
    strong: names of the one or two strong drivers
    favourite_store: index into STORES
    shelf_taste: (n_users + 1, n_shelves), log preference
    style_taste: (n_users + 1, STYLES)
    n_events: number of purchases
    """

    drivers: dict[str, Float32]
    strong: tuple[tuple[str, ...], ...]
    favourite_store: Int64
    shelf_taste: Float32
    style_taste: Float32
    n_events: Int64


def make_customers(n_users: int, mean_events: float, catalog: Catalog, rng: np.random.Generator) -> Customers:
    """Customers with one or two strong drivers each (.75 to 1); the other drivers are weak (0 to .25)."""
    drivers, strong = _drivers(n_users, rng)
    favourite = rng.integers(0, len(STORES), n_users + 1)
    sells = np.zeros((len(STORES), len(catalog.shelves)), np.float32)
    sells[catalog.store[1:], catalog.shelf[1:]] = 1.0
    departments = {shelf.department: None for shelf in catalog.shelves}
    department = np.array([list(departments).index(shelf.department) for shelf in catalog.shelves])
    liking = rng.normal(size=(n_users + 1, len(departments)))[:, department]
    liking = 0.6 * liking + 0.8 * rng.normal(size=(n_users + 1, len(catalog.shelves)))
    common = rng.normal(scale=0.6, size=len(catalog.shelves))
    common += ACCESSORY_BROWSING * np.array([shelf.kind is ShelfKind.ACCESSORY for shelf in catalog.shelves])
    taste = (1.0 + 1.5 * drivers["taste"][:, None]) * liking + common
    taste += 1.5 * drivers["loyalty"][:, None] * sells[favourite]
    return Customers(
        drivers=drivers,
        strong=strong,
        favourite_store=favourite,
        shelf_taste=taste.astype(np.float32),
        style_taste=rng.normal(size=(n_users + 1, STYLES)).astype(np.float32),
        n_events=_activity(n_users, mean_events, rng),
    )


def _drivers(
    n_users: int, rng: np.random.Generator
) -> tuple[dict[str, Float32], tuple[tuple[str, ...], ...]]:
    strength = rng.uniform(0.0, 0.25, (n_users + 1, len(DRIVERS)))
    first = rng.integers(0, len(DRIVERS), n_users + 1)
    second = (first + rng.integers(1, len(DRIVERS), n_users + 1)) % len(DRIVERS)
    contrary = {DRIVERS.index("taste"), DRIVERS.index("variety")}  # these two exclude each other
    strong: list[tuple[str, ...]] = [()]
    for user in range(1, n_users + 1):
        pair = {int(first[user]), int(second[user])}
        chosen = pair if rng.random() < 0.5 and pair != contrary else {int(first[user])}
        strength[user, list(chosen)] = rng.uniform(0.75, 1.0, len(chosen))
        strong.append(tuple(DRIVERS[driver] for driver in sorted(chosen)))
    strength[0] = 0.0
    return {name: strength[:, place].astype(np.float32) for place, name in enumerate(DRIVERS)}, tuple(strong)


def _activity(n_users: int, mean_events: float, rng: np.random.Generator) -> Int64:
    """Number of purchases: log-normal, at least 5 and at most four times the mean."""
    spread = 0.6
    counts = rng.lognormal(np.log(mean_events) - spread**2 / 2, spread, n_users + 1)
    counts = np.clip(np.round(counts), 5, 4 * mean_events).astype(np.int64)
    counts[0] = 0
    return counts
