"""Raw columns -> numbers. Row i of every array is item i, row 0 is padding."""
from collections import namedtuple

import numpy as np

# fields of a row, in this order
FIELDS = ("user", "item", "category", "store", "price")

Rows = namedtuple("Rows", "fields numeric hist hist_cat owner")


def number(values):
    """Strings -> 0 for "", else 1, 2, ... in order of appearance."""
    seen = {"": 0}
    return np.array([seen.setdefault(v, len(seen)) for v in values], dtype=np.int64)


def bucketize(values, n_buckets):
    """Quantile buckets from 1; 0 where the value is unknown."""
    edges = np.nanquantile(values, np.linspace(0, 1, n_buckets + 1)[1:-1])
    buckets = np.digitize(values, edges) + 1
    buckets[np.isnan(values)] = 0
    return buckets


def standardize(values):
    z = (values - np.nanmean(values)) / (np.nanstd(values) + 1e-8)
    return np.nan_to_num(z).astype(np.float32)


class Catalogue:
    def __init__(self, category, store, price, rating, n_buckets):
        self.n_items = len(category) - 1
        self.category = number(category)
        self.store = number(store)
        self.price_bucket = bucketize(price, n_buckets)
        self.price = standardize(np.log1p(price))
        self.rating = standardize(rating)
        self.n_buckets = n_buckets

    def field_dims(self, n_users):
        return [
            n_users + 1,
            self.n_items + 1,
            int(self.category.max()) + 1,
            int(self.store.max()) + 1,
            self.n_buckets + 1,
        ]

    def rows(self, users, hist, items):
        """users (B,), hist (B, L) padded with 0, items (B, C) -> Rows of B * C rows, those of one user together."""
        owner = np.repeat(np.arange(len(users)), items.shape[1])
        flat = items.reshape(-1)
        fields = np.stack(
            [users[owner], flat, self.category[flat], self.store[flat], self.price_bucket[flat]], axis=1
        )
        known = hist > 0
        usual = (self.price[hist] * known).sum(1) / np.maximum(known.sum(1), 1)
        gap = (self.price[flat] - usual[owner]) * known.any(1)[owner]
        numeric = np.stack([self.price[flat], self.rating[flat], gap], axis=1).astype(np.float32)
        return Rows(fields, numeric, hist, self.category[hist], owner)
