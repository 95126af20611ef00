import numpy as np
import torch


class Vocabulary:
    """Strings as ids from 1; 0 is 'none'."""

    def __init__(self):
        self._ids = {}

    def add(self, word):
        return self._ids.setdefault(word, len(self._ids) + 1)

    def __len__(self):
        return len(self._ids) + 1


class ItemFeatureStore:
    """Side information of every item, row = item id; row 0 belongs to padding."""

    MAX_CATEGORIES = 3
    PRICE_BUCKETS = 6

    def __init__(self, shop, categories, price, n_shops, n_categories):
        self.shop = shop
        self.categories = categories
        self.price = price
        self.n_shops = n_shops
        self.n_categories = n_categories

    @property
    def n_rows(self):
        return len(self.shop)

    @classmethod
    def from_catalogue(cls, data):
        columns = data.item_columns
        shops, cats = Vocabulary(), Vocabulary()
        shop = torch.zeros(data.n_items + 1, dtype=torch.long)
        category = torch.zeros(data.n_items + 1, cls.MAX_CATEGORIES, dtype=torch.long)
        for item in range(1, data.n_items + 1):
            shop[item] = shops.add(columns["store"][item])
            for slot, word in enumerate(columns["categories"][item][: cls.MAX_CATEGORIES]):
                category[item, slot] = cats.add(word)
        price = cls._bucket(np.asarray(columns["price"], dtype=np.float64))
        return cls(shop, category, torch.from_numpy(price), len(shops), len(cats))

    @classmethod
    def _bucket(cls, price):
        known = np.isfinite(price)
        cuts = np.quantile(price[known], np.linspace(0, 1, cls.PRICE_BUCKETS + 1)[1:-1])
        return np.where(known, np.digitize(price, cuts) + 1, 0)
