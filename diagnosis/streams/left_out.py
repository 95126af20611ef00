"""Items that a repo takes out of the log before it trains, as rare ones: without them its histories have no holes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.streams.drawn import Drawn
from diagnosis.streams.log import Log

FEWEST_ITEMS = 2
LEAST, MOST = 0.005, 0.6  # of the events
WHOLE = 0.7  # of the targets are events of the log without these items
CLEARER = 0.1  # by so much more than of the whole log


def left_out(log: Log, met: Sequence[NDArray[np.integer]]) -> NDArray[np.bool_] | None:
    """Items (n_items + 1,) that have events and are in nothing that training reads or aims at; None where these are none or most.

    met: items that are.
    """
    there = np.zeros(log.n_items + 1, dtype=bool)
    for items in met:
        there[items] = True
    gone = ~there & (log.counts > 0)
    gone[0] = False
    share = float(log.counts[gone].sum() / max(log.n, 1))
    return gone if gone.sum() >= FEWEST_ITEMS and LEAST <= share <= MOST else None


def without(log: Log, gone: NDArray[np.bool_]) -> Log:
    """The log without the events of some items."""
    kept = ~gone[log.items]
    training = log.training

    def column(values: Any) -> Any:
        return None if values is None else values[kept]

    counts = np.bincount(log.users[kept], minlength=log.n_users + 1)
    return Log(
        replace(
            training,
            users=log.users[kept],
            items=log.items[kept],
            timestamps=column(training.timestamps),
            ratings=column(training.ratings),
            places=column(training.places),
            parts=column(training.parts),
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        )
    )


def placed(positives: tuple[Drawn, ...]) -> float:
    """The share of targets that are events of the log, of those that lie beside what is read."""
    beside = [each for each in positives if each.relation is not None]
    return float(
        sum((each.events >= 0).sum() for each in beside)
        / max(sum((each.items > 0).sum() for each in beside), 1)
    )


def is_clearer(first: tuple[Drawn, ...], again: tuple[Drawn, ...]) -> bool:
    """Whether targets follow what is read in the log without those items, and did not in the whole one."""
    following = any(each.relation is not None and each.relation.by == 1 for each in again)
    return following and placed(again) >= WHOLE and placed(again) >= placed(first) + CLEARER
