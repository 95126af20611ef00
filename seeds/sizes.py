"""The sizes of the built-in shop, and what a user is told of each. Says nothing of how a shop is made."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Size:
    """n_shelves: 0 for all that there are. mean_events: of a user. patience: how long a training takes, in words."""

    n_users: int
    n_shelves: int
    items_per_shelf: int
    mean_events: float
    patience: str


SIZES: Mapping[str, Size] = {
    "micro": Size(n_users=300, n_shelves=20, items_per_shelf=10, mean_events=18, patience="seconds to train"),
    "demo": Size(
        n_users=1_500, n_shelves=0, items_per_shelf=20, mean_events=26, patience="a minute or so to train"
    ),
    "full": Size(
        n_users=6_000,
        n_shelves=0,
        items_per_shelf=40,
        mean_events=32,
        patience="many minutes to train without a GPU",
    ),
}
