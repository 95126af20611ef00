"""Long histories whose inputs and targets are cut at different ends, so that they lie beside one another no more."""

from dataclasses import dataclass

import numpy as np

from diagnosis.streams.log import Log
from diagnosis.streams.relations import Relation

FEWEST_SHORT, FEWEST_LONG = 50, 200  # targets
RIGHT, WRONG = 0.95, 0.3  # shares of targets that are the next event


@dataclass(frozen=True, kw_only=True)
class Torn:
    """window: events that the longest rows hold. right, wrong: shares of targets that are the next event, in shorter rows and in
    those that fill the window. judged: targets of these."""

    window: int
    right: float
    wrong: float
    judged: int


def torn(log: Log, relation: Relation) -> Torn | None:
    """Rows that fill the window beside targets that follow something else, where targets of shorter rows are the next event."""
    places, items = relation.aligned.places, relation.items
    if relation.by is not None or places.shape != items.shape or places.shape[1] < 2:
        return None
    there = log.moved(places, 1)
    judged = (items > 0) & (places >= 0)
    right = judged & (there >= 0) & (log.items[np.maximum(there, 0)] == items)
    held = (places >= 0).sum(axis=1)
    window = int(held.max(initial=0))
    full = held == window
    short, long = int(judged[~full].sum()), int(judged[full].sum())
    if short < FEWEST_SHORT or long < FEWEST_LONG:
        return None
    found = Torn(
        window=window,
        right=float(right[~full].sum() / short),
        wrong=float(right[full].sum() / long),
        judged=long,
    )
    return found if found.right >= RIGHT and found.wrong <= WRONG else None
