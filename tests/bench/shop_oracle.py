"""The built-in shop's own chances: how likely its generator makes each item a customer's next purchase.

What `seeds.shop.behaviour` draws is computed here as an expectation, so that rankings can be made whose quality and whose
faults are known: with all reasons of choice, or without one of them. Shared by benches; running it alone does nothing.
"""

from dataclasses import dataclass

import numpy as np

from seeds.interactions import Int64
from seeds.shop.behaviour import FOLLOW, FOLLOW_AT_MOST, PULL_BY_AGE, RECENT, STAY
from seeds.shop.catalog import Catalog, make_catalog
from seeds.shop.customers import Customers, make_customers
from seeds.shop.making import Shop
from seeds.shop.words import SHELVES
from seeds.sizes import SIZES
from simulator.transitions import Float64

PRICE, LAST_EVENTS = "price", "last events"
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, eq=False)
class Oracle:
    """Knows the generator of one shop.

    kept: int64 (n_items + 1,), the catalog's id of each item
    """

    customers: Customers
    catalog: Catalog
    kept: Int64

    @classmethod
    def of(cls, shop: Shop, size: str, seed: int) -> "Oracle":
        """The oracle of `make(size, seed=seed)`, whose customers and items are drawn once more."""
        plan, rng = SIZES[size], np.random.default_rng(seed)
        catalog = make_catalog(SHELVES[: plan.n_shelves or len(SHELVES)], plan.items_per_shelf, rng)
        customers = make_customers(plan.n_users, plan.mean_events, catalog, rng)
        names = shop.interactions.item_names
        kept = np.array([int(name.removeprefix("item-") or 0) for name in names], dtype=np.int64)
        return cls(customers=customers, catalog=catalog, kept=kept)

    def chances(self, user: int, history: Int64, *, ignored: frozenset[str] = NOTHING) -> Float64:
        """float (n_items + 1,), the chance of each item to come next. history: int64 (T,), oldest first, T > 0.

        ignored: PRICE, what things cost. LAST_EVENTS, what came lately: neither followers nor the shelf of the last item.
        The shelf that a customer looked at last is taken for that of his last purchase.
        """
        catalog, bought = self.catalog, self.kept[history]
        browsed = self._browsed(user, bought, ignored)
        if LAST_EVENTS in ignored:
            return browsed[self.kept]
        followed = np.zeros(catalog.n_items + 1)
        for age, item in enumerate(bought[::-1][: len(PULL_BY_AGE)]):
            np.add.at(followed, catalog.followers[item], catalog.pull[item] * PULL_BY_AGE[age])
        followed[0] = followed[bought] = 0.0
        follows = min(FOLLOW * followed.sum(), FOLLOW_AT_MOST)
        share = followed / max(followed.sum(), 1e-9)
        return (follows * share + (1 - follows) * browsed)[self.kept]

    def _browsed(self, user: int, bought: Int64, ignored: frozenset[str]) -> Float64:
        catalog = self.catalog
        items = catalog.on_shelf  # (n_shelves, M)
        liking = self._liking(user, ignored)[items]
        liking = np.where(np.isin(items, bought), -np.inf, liking)
        within = _softmax(np.where(np.isfinite(liking).any(axis=1, keepdims=True), liking, 0.0))
        found = np.zeros(catalog.n_items + 1)
        found[items] = within * self._shelves(user, bought, ignored)[:, None]
        found[bought] = 0.0
        return found

    def _liking(self, user: int, ignored: frozenset[str]) -> Float64:
        """Of each item among those of its shelf: float (catalog items + 1,)."""
        catalog, customers = self.catalog, self.customers
        drivers = {name: float(values[user]) for name, values in customers.drivers.items()}
        liking = (0.5 + 2.0 * drivers["conformity"]) * catalog.appeal.astype(np.float64)
        if PRICE not in ignored:
            liking = liking - (0.1 + 2.0 * drivers["price_sensitivity"]) * catalog.price_level
        liking = liking + 3.0 * drivers["loyalty"] * (catalog.store == customers.favourite_store[user])
        fit = catalog.style @ customers.style_taste[user] / np.sqrt(catalog.style.shape[1])
        return liking + (1.2 + 0.6 * drivers["taste"]) * fit

    def _shelves(self, user: int, bought: Int64, ignored: frozenset[str]) -> Float64:
        """The chance of each shelf to be looked at: float (n_shelves,)."""
        catalog, variety = self.catalog, float(self.customers.drivers["variety"][user])
        liking = self.customers.shelf_taste[user].astype(np.float64)
        if LAST_EVENTS in ignored:
            return _softmax(liking)
        last = int(catalog.shelf[bought[-1]])
        liking = liking + catalog.kinship[last]
        np.subtract.at(liking, catalog.shelf[bought[-RECENT:]], 1.5 * variety)
        stays = STAY * (1 - variety)
        return (1 - stays) * _softmax(liking) + stays * (np.arange(len(liking)) == last)


def _softmax(values: Float64) -> Float64:
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)
