"""`make`: a shop of one of three sizes, the same for the same seed on every machine."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seeds.assembly import Events, ItemFacts, assemble
from seeds.interactions import Float32, Int64, Interactions
from seeds.shop.behaviour import shop_around
from seeds.shop.catalog import Catalog, categories_of, make_catalog
from seeds.shop.customers import make_customers
from seeds.shop.words import SHELVES, STORES
from seeds.sizes import SIZES


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """What the generator knows and no worker is told.

    drivers: name -> strength in 0..1, float32 (n_users + 1,). strong: the one or two strong drivers of each user,
    () for padding. favourite_store: the store's name per user, "" for padding. shelf_taste: float32
    (n_users + 1, n_shelves), log preference for each narrow category of `shelves`. followers: int64
    (n_items + 1, 3), the items often wanted after an item, 0 none; pull: float32, how strongly.
    """

    drivers: Mapping[str, Float32]
    strong: tuple[tuple[str, ...], ...]
    favourite_store: tuple[str, ...]
    shelves: tuple[str, ...]
    shelf_taste: Float32
    followers: Int64
    pull: Float32


@dataclass(frozen=True, kw_only=True, eq=False)
class Shop:
    interactions: Interactions
    truth: Truth


def make(size: str, *, seed: int = 0) -> Shop:
    """A shop of `size`, one of SIZES. Items nobody bought are left out. Raises ValueError: unknown size."""
    if size not in SIZES:
        raise ValueError(f"Unknown size {size!r} of the shop; expected one of {', '.join(SIZES)}.")
    plan = SIZES[size]
    rng = np.random.default_rng(seed)
    catalog = make_catalog(SHELVES[: plan.n_shelves or len(SHELVES)], plan.items_per_shelf, rng)
    customers = make_customers(plan.n_users, plan.mean_events, catalog, rng)
    purchases = shop_around(customers, catalog, rng)
    kept = np.concatenate(([0], np.unique(purchases.items)))  # (n_items + 1,) catalog id of our ids
    ours = np.zeros(catalog.n_items + 1, np.int64)
    ours[kept] = np.arange(len(kept))
    events = Events(
        users=purchases.users,
        items=ours[purchases.items],
        order=purchases.timestamps,
        timestamps=purchases.timestamps,
        ratings=purchases.ratings,
    )
    interactions = assemble(
        events,
        _facts(catalog, kept),
        user_names=("", *(f"customer-{user}" for user in range(1, plan.n_users + 1))),
        item_names=("", *(f"item-{item}" for item in kept[1:])),
    )
    followers = ours[catalog.followers[kept]]
    truth = Truth(
        drivers=customers.drivers,
        strong=customers.strong,
        favourite_store=("", *(STORES[store] for store in customers.favourite_store[1:])),
        shelves=tuple(shelf.name for shelf in catalog.shelves),
        shelf_taste=customers.shelf_taste,
        followers=followers,
        pull=np.where(followers > 0, catalog.pull[kept], 0).astype(np.float32),
    )
    return Shop(interactions=interactions, truth=truth)


def _facts(catalog: Catalog, kept: Int64) -> ItemFacts:
    categories = categories_of(catalog)
    return ItemFacts(
        title=tuple(catalog.titles[item] for item in kept),
        categories=tuple(categories[item] for item in kept),
        price=catalog.price[kept],
        store=("", *(STORES[catalog.store[item]] for item in kept[1:])),
    )
