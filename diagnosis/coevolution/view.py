"""The view that an evolved probe measures: what one ranker shows to S users, and what is known of users and items.

The trained model, reference rankers and faulty models all have the same view, so one function measures them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeView:
    """What one ranker shows to S users. Arrays are read-only; item ids run from 1, and 0 is padding or "none".

    lists: items shown, best first, 0 where there is nothing more.
    shuffled_lists, shuffled_scores: the same for histories in random order; None if these were not scored.
    scores: -inf for padding and for seen items, which are never shown.
    histories: the items of each user's events, oldest first.
    targets: the item that each user really took next.
    followers: the items that most often came right after an item in the training log, most frequent first.
    category, subcategory, store: codes, 0 unknown; a subcategory is a whole category path.
    price, rating: rating is the average one; NaN unknown.
    item_embeddings: None if the model offers none.
    seed: for `np.random.default_rng(view.seed)`.
    """

    n_items: int
    users: Int64  # (S,)
    lists: Int64  # (S, 50)
    shuffled_lists: Int64 | None  # (S, 50)
    scores: Float32  # (S, n_items + 1)
    shuffled_scores: Float32 | None  # (S, n_items + 1)
    histories: tuple[Int64, ...]  # S arrays
    targets: Int64  # (S,)
    popularity: Int64  # (n_items + 1,) training events
    followers: Int64  # (n_items + 1, 10)
    category: Int64  # (n_items + 1,)
    subcategory: Int64  # (n_items + 1,)
    store: Int64  # (n_items + 1,)
    price: Float64  # (n_items + 1,)
    rating: Float64  # (n_items + 1,)
    item_embeddings: Float32 | None  # (n_items + 1, d)
    seed: int


FIELDS = tuple(field.name for field in fields(ProbeView))

# The fields in words, for the prompt of the probe's author; beside the class, so that both change together.
DESCRIBED: Mapping[str, str] = {
    "n_items": "int; item ids are 1..n_items, 0 is padding",
    "users": "int64 (S,), ids of the users",
    "lists": "int64 (S, 50), items shown to each user, best first; 0 where there is nothing more",
    "shuffled_lists": "int64 (S, 50) or None, the same when each history is given in random order",
    "scores": "float32 (S, n_items + 1), -inf for padding and for items that the user has had (never shown)",
    "shuffled_scores": "float32 (S, n_items + 1) or None, the same for histories in random order",
    "histories": "tuple of S int64 arrays, items of each user, oldest first, at least one",
    "targets": "int64 (S,), what each user really took next",
    "popularity": "int64 (n_items + 1,), training events of each item",
    "followers": "int64 (n_items + 1, 10), items that most often came right after an item, most frequent first, 0 none",
    "category": "int64 (n_items + 1,), code of the broadest category, 0 unknown",
    "subcategory": "int64 (n_items + 1,), code of the whole category path, 0 unknown",
    "store": "int64 (n_items + 1,), code of the store or brand, 0 unknown",
    "price": "float64 (n_items + 1,), NaN unknown",
    "rating": "float64 (n_items + 1,), average rating in the training log, NaN unknown",
    "item_embeddings": "float32 (n_items + 1, d) or None, as used for scoring",
    "seed": "int, for np.random.default_rng(view.seed); no other randomness is allowed",
}
assert tuple(DESCRIBED) == FIELDS


def absent(view: ProbeView) -> frozenset[str]:
    """Names of the attributes that hold no data in this trial."""
    empty = {
        name
        for name in ("shuffled_lists", "shuffled_scores", "item_embeddings")
        if getattr(view, name) is None
    }
    empty |= {name for name in ("price", "rating") if not np.isfinite(getattr(view, name)[1:]).any()}
    empty |= {name for name in ("category", "subcategory", "store") if not getattr(view, name)[1:].any()}
    return frozenset(empty)
