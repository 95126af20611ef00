from dataclasses import dataclass

import numpy as np
import polars as pl

from .columns import Columns


class IdMap:
    """External ids to numbers from 0, in order of appearance, and back."""

    def __init__(self, external_ids):
        self.external_ids = np.asarray(external_ids)
        self.to_internal = {external: n for n, external in enumerate(self.external_ids.tolist())}

    @classmethod
    def from_values(cls, series):
        return cls(series.unique(maintain_order=True).to_numpy())

    @property
    def size(self):
        return len(self.external_ids)

    def convert_to_internal(self, values):
        return np.array([self.to_internal[value] for value in values], dtype=np.int64)

    def convert_to_external(self, numbers):
        return self.external_ids[numbers]


@dataclass
class Dataset:
    user_id_map: IdMap
    item_id_map: IdMap
    interactions: pl.DataFrame  # internal ids, by user and time
    item_categories: np.ndarray  # (n_items,) numbers from 0

    @classmethod
    def construct(cls, interactions_df, item_features_df=None):
        user_id_map = IdMap.from_values(interactions_df[Columns.User])
        item_id_map = IdMap.from_values(interactions_df[Columns.Item])
        interactions = pl.DataFrame(
            {
                Columns.User: user_id_map.convert_to_internal(interactions_df[Columns.User]),
                Columns.Item: item_id_map.convert_to_internal(interactions_df[Columns.Item]),
                Columns.Datetime: interactions_df[Columns.Datetime],
            }
        ).sort(Columns.User, Columns.Datetime, maintain_order=True)
        categories = np.zeros(item_id_map.size, dtype=np.int64)
        if item_features_df is not None:
            names = {name: n + 1 for n, name in enumerate(item_features_df[Columns.Category].unique().sort())}
            for item, name in item_features_df.select(Columns.Item, Columns.Category).iter_rows():
                if item in item_id_map.to_internal:
                    categories[item_id_map.to_internal[item]] = names[name]
        return cls(user_id_map, item_id_map, interactions, categories)

    def sequences(self):
        """user number -> item numbers, oldest first"""
        grouped = self.interactions.group_by(Columns.User, maintain_order=True).agg(Columns.Item)
        return {user: items for user, items in grouped.iter_rows()}


def leave_last_out(events, n=1):
    """(train, held out): the newest n events of each user are held out"""
    events = events.sort(Columns.Datetime, maintain_order=True)
    age = pl.int_range(pl.len(), 0, -1).over(Columns.User)
    return events.filter(age > n), events.filter(age <= n)
