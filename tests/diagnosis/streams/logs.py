"""A log of a few hundred users with histories of very different lengths and popular items."""

import numpy as np

from seeds.interactions import Interactions, ItemColumns

N_USERS, N_ITEMS = 200, 80


def make_log(
    n_users: int = N_USERS, n_items: int = N_ITEMS, mean: float = 9.0, seed: int = 0
) -> Interactions:
    """No user meets an item twice; item ids say nothing of popularity."""
    rng = np.random.default_rng(seed)
    weights = rng.permutation(1 / np.arange(1, n_items + 1) ** 0.6)
    lengths = np.clip(rng.geometric(1 / mean, n_users) + 3, 4, n_items // 2)
    histories = [rng.choice(n_items, size, replace=False, p=weights / weights.sum()) + 1 for size in lengths]
    empty = ("",) * (n_items + 1)
    return Interactions(
        users=np.repeat(np.arange(1, n_users + 1), lengths).astype(np.int64),
        items=np.concatenate(histories).astype(np.int64),
        timestamps=None,
        ratings=None,
        offsets=np.concatenate([[0, 0], np.cumsum(lengths)]).astype(np.int64),
        n_users=n_users,
        n_items=n_items,
        item_columns=ItemColumns(
            title=empty,
            categories=((),) * (n_items + 1),
            price=np.full(n_items + 1, np.nan, np.float32),
            store=empty,
            average_rating=np.full(n_items + 1, np.nan, np.float32),
        ),
        user_names=("", *(f"u{i}" for i in range(n_users))),
        item_names=("", *(f"i{i}" for i in range(n_items))),
    )
