"""Items that a view holds beside users: positives or negatives of those users."""

from dataclasses import dataclass

import numpy as np

from diagnosis.streams.decoding import Numbering
from diagnosis.streams.log import Log
from diagnosis.streams.relations import Relation
from diagnosis.streams.views import View
from seeds.interactions import Int64

OWN = 0.9  # ids are events of the user beside them at this share: they are what the model learns to rank high
MOST = 200_000  # items on which a share is measured


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """Items beside users, in a view.

    items: int64 (n, W), 0 for what is no item. users: int64 (n,), 0 where not known.
    own: of the pairs, the share that are training events; chance: the same for items drawn uniformly.
    relation: to the sequence put in; None where there is none.
    events: int64 (n, W), the place of the event that each is, -1 where none is known.
    shuffled: they are the items to aim at, beside users that they do not belong to.
    labelled: what the loss was told that they are, True of what to rank high; None where it was told nothing.
    mixed: positives and negatives share rows and only membership of the log tells them apart.
    """

    view: View
    numbering: Numbering
    items: Int64
    users: Int64
    own: float
    chance: float
    relation: Relation | None
    events: Int64
    mixed: bool = False
    shuffled: bool = False
    labelled: bool | None = None

    @property
    def steps(self) -> Int64:
        """The step of each row."""
        return self.view.steps


def own_share(log: Log, users: Int64, items: Int64) -> tuple[float, float]:
    """The share of items that the user beside them met, and the same for an item drawn uniformly."""
    if items.size > MOST:
        some = np.linspace(0, len(items) - 1, max(1, MOST // items.shape[1])).astype(np.int64)
        users, items = users[some], items[some]
    known = (items > 0) & (users > 0)[:, None]
    if not known.any():
        return 0.0, 0.0
    met = log.met(np.broadcast_to(users[:, None], items.shape), items) & known
    chance = (log.distinct[users][:, None] * known).sum() / known.sum() / log.n_items
    return float(met.sum() / known.sum()), float(chance)
