"""How often each training event was a target in the epochs that were seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnosis.streams.drawn import Drawn
from diagnosis.streams.reading import Read
from diagnosis.streams.recorded import epoch_of
from seeds.interactions import Int64


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """Targets of whole epochs.

    counts: float64 (N,), how often each event was one; the same item met again shares with its first event.
    possible: bool (N,), which events can be: where the next event is the target, a user's first cannot.
    unplaced: targets that could be any of several events, or whose row was not found in the log.
    each: the targets they were counted from. rows_are_events: a row has one target.
    """

    counts: NDArray[np.float64]
    possible: NDArray[np.bool_]
    unplaced: int
    each: tuple[Drawn, ...]
    rows_are_events: bool

    @property
    def missed(self) -> NDArray[np.bool_]:
        """Which events could have been a target and never were: bool (N,)."""
        return self.possible & (self.counts == 0)

    @property
    def mean(self) -> float:
        """Draws for each event that can be drawn."""
        return float(self.counts[self.possible].sum() / max(self.possible.sum(), 1))


def draws(seen: Read) -> Draws | None:
    """Targets of each event over whole epochs; None where no epoch was seen whole or targets are not events."""
    each = [one for one in seen.positives if not one.shuffled and _places_events(one)]
    if not each or seen.whole < 1:
        return None
    counts = np.zeros(seen.log.n)
    counted: set[bytes] = set()
    unplaced = 0
    for one in each:
        inside = epoch_of(seen.watched, one.steps) < seen.whole
        events = one.events[inside]
        if events.tobytes() in counted:
            continue
        counted.add(events.tobytes())
        unplaced += int((one.items[inside] > 0).sum() - (events >= 0).sum())
        counts += np.bincount(events[events >= 0], minlength=seen.log.n)
    following = any(one.relation is not None and one.relation.by != 0 for one in each)
    if not following:
        counts = _shared(seen, counts)
    first = seen.log.from_start < 1
    if following or (seen.profiles is not None and not counts[first].any()):
        possible = ~first  # rows that are cut have what follows as their target
    else:
        possible = np.ones(seen.log.n, dtype=bool)
    narrow = seen.profiles is None and all(
        one.relation is None or one.relation.aligned.newest for one in each
    )
    return Draws(
        counts=counts, possible=possible, unplaced=unplaced, each=tuple(each), rows_are_events=narrow
    )


def _places_events(one: Drawn) -> bool:
    return bool((one.events >= 0).sum() >= 0.6 * max((one.items > 0).sum(), 1))


def _shared(seen: Read, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pairs know no time: what was counted at the first of a user's events with an item goes to all of them."""
    log = seen.log
    first: Int64 = log.event(log.users, log.items)
    return counts[first] / np.bincount(first, minlength=log.n)[first]
