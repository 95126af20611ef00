"""What is known of drawn negatives: how they are spread, whom they hit, whether they are drawn anew."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnosis.streams.drawn import Drawn
from diagnosis.streams.log import Log, common, different
from diagnosis.streams.reading import Read
from diagnosis.streams.recorded import D0, epoch_of
from diagnosis.streams.views import NOTHING
from seeds.interactions import Int64

FEWEST = 16  # negatives of a batch that are compared with those of the one before
MOST_ROWS = 5_000  # rows that are looked at by themselves
MOST = 400_000  # draws that are compared between epochs


@dataclass(frozen=True, kw_only=True, eq=False)
class Negatives:
    """One view of negatives, where it counts.

    drawn: as read. counted: bool (n, W), where the loss uses them; beside padding it does not.
    positives: the item aimed at beside each, int64 (n, W), 0 where not known. events: its place, -1 likewise.
    """

    drawn: Drawn
    counted: NDArray[np.bool_]
    positives: Int64
    events: Int64

    @property
    def items(self) -> Int64:
        """The items that were drawn and counted: int64 (D,). What one draw gives to many rows or places is one."""
        items, calls = self.drawn.items, self.drawn.view.call
        shared = _shared_with_holes(items, calls)
        if shared is not None:
            return shared
        columns = np.unique(_hashed(items.T), return_index=True)[1]
        rows = _hashed(items)
        anew = np.r_[True, (rows[1:] != rows[:-1]) | (calls[1:] != calls[:-1])]
        once = np.zeros(items.shape, dtype=np.bool_)
        once[np.ix_(np.flatnonzero(anew), columns)] = True
        chosen = items[once & self.counted]
        return chosen[chosen > 0]


def _shared_with_holes(items: Int64, calls: Int64) -> Int64 | None:
    """The items of samples that all rows of a call share, but for holes of no item where a row may not have one: int64 (D,); None where rows
    differ in items or have no holes.
    """
    if not len(items) or not (items == 0).any():
        return None
    begins = np.flatnonzero(np.r_[True, calls[1:] != calls[:-1]])
    largest = np.maximum.reduceat(items, begins, axis=0)
    smallest = np.minimum.reduceat(np.where(items > 0, items, np.iinfo(np.int64).max), begins, axis=0)
    there = largest > 0
    heights = np.diff(np.r_[begins, len(items)])
    if (heights < 2).all() or not (largest == smallest)[there].all():
        return None
    return largest[there]


def _hashed(rows: Int64) -> Int64:
    """A number for each row of (n, W), the same for equal rows."""
    weights = np.random.default_rng(0).integers(1, 2**62, rows.shape[1])
    return (rows * weights).sum(axis=1)  # wraps around


def negatives(seen: Read) -> list[Negatives]:
    """Every view of negatives beside its positives."""
    if seen.strangers is not None or any(each.shuffled for each in seen.positives):
        return []  # whose they are is not known
    return [_with_positives(seen, each) for each in seen.negatives]


def _with_positives(seen: Read, each: Drawn) -> Negatives:
    there = each.view.ids != NOTHING
    columns = (each.items > 0).any(axis=0)
    shape = each.items.shape
    for positive in seen.positives:
        alone = positive.mixed or positive.labelled  # their rows hold no negatives
        if len(positive.items) != shape[0] or alone or not (positive.steps == each.steps).all():
            continue
        beside = _beside(positive, positive.items, shape)
        events = _beside(positive, positive.events, shape)
        if beside is not None and events is not None:
            counted = there & columns & (beside > 0)
            return Negatives(drawn=each, counted=counted, positives=beside, events=events)
    counted = (each.items > 0) & (each.users > 0)[:, None]
    if not each.users.any():
        counted = there & columns  # they serve all rows of a call
    none = np.zeros(shape, dtype=np.int64)
    return Negatives(drawn=each, counted=counted, positives=none, events=none - 1)


def _beside(positive: Drawn, values: Int64, shape: tuple[int, ...]) -> Int64 | None:
    """Values of the positives, spread over the negatives of the same row or place."""
    if positive.relation is None or positive.relation.aligned.newest or values.shape[1] == 1:
        one = values.max(axis=1)  # one positive in a row, in whichever column
        return np.repeat(one[:, None], shape[1], axis=1)
    if values.shape == shape:
        return values
    if shape[1] % values.shape[1] == 0:
        return np.repeat(values, shape[1] // values.shape[1], axis=1)
    return None


def never_drawn(log: Log, items: Int64) -> tuple[Int64, float]:
    """Items that were never drawn, and how many that would be by chance of a uniform draw."""
    counts = np.bincount(items, minlength=log.n_items + 1)[1:]
    by_chance = log.n_items * float(np.exp(-len(items) / log.n_items))
    return np.flatnonzero(counts == 0) + 1, by_chance


def repeated_in_calls(drawn: list[Negatives], each: Negatives) -> tuple[float, int]:
    """The share of a call's negatives that are its commonest item, in the median, and how many calls hold at least four.

    A call that draws hits anew keeps some of one draw for all. drawn: all views, as several candidates of a place are a view each.
    """
    items = _with_others(drawn, each)
    call = each.drawn.view.call.repeat(items.shape[1])
    return _commonest(call, items.reshape(-1))


def repeated_in_rows(drawn: list[Negatives], each: Negatives) -> tuple[float, int]:
    """The same for the negatives of a row."""
    items = _with_others(drawn, each)
    some = items[different(np.linspace(0, len(items) - 1, min(len(items), MOST_ROWS)).astype(np.int64))]
    return _commonest(np.arange(len(some)).repeat(some.shape[1]), some.reshape(-1))


def _with_others(drawn: list[Negatives], each: Negatives) -> Int64:
    """The counted negatives of each row, in every view of one look-up: int64 (n, W), 0 where none."""
    alike = [
        one
        for one in drawn
        if one.drawn.view.stream is each.drawn.view.stream
        and one.drawn.view.ordinal == each.drawn.view.ordinal
        and one.drawn.view.same_rows(each.drawn.view)
    ]
    return np.concatenate([np.where(one.counted, one.drawn.items, 0) for one in alike], axis=1)


def _commonest(group: Int64, items: Int64) -> tuple[float, int]:
    """Of the items of each group of four or more, the share of the commonest, in the median; how many groups there are."""
    group, items = group[items > 0], items[items > 0]
    if not len(items):
        return 0.0, 0
    many = int(items.max()) + 1
    keys, counts = np.unique(group * many + items, return_counts=True)
    most = np.zeros(int(group.max()) + 1, dtype=np.int64)
    np.maximum.at(most, keys // many, counts)
    sizes = np.bincount(group)
    large = sizes >= 4
    return (float(np.median(most[large] / sizes[large])), int(large.sum())) if large.any() else (0.0, 0)


def repeated_at_places(each: Negatives) -> tuple[float, int]:
    """The share of negatives that stood at the same place of the batch before, and how many calls could be compared."""
    calls, items = each.drawn.view.calls, each.drawn.items
    heights = calls[:, D0].astype(np.int64)
    begins = np.cumsum(heights) - heights
    shares = []
    for call in range(1, len(calls)):
        n = int(min(heights[call - 1], heights[call]))
        before = items[begins[call - 1] : begins[call - 1] + n]
        now = items[begins[call] : begins[call] + n]
        both = (before > 0) & (now > 0)
        if both.sum() >= FEWEST:
            shares.append(float((before == now)[both].mean()))
    return float(np.median(shares)) if shares else 0.0, len(shares)


def repeated_in_epochs(seen: Read, each: Negatives) -> tuple[float, float] | None:
    """The share of second draws (positive and negative) that the first epoch had already, and the same by chance.

    None if two epochs were not seen. Where the positive is not known the user stands for it.
    """
    if seen.watched.epochs < 2:
        return None
    epoch = epoch_of(seen.watched, each.drawn.steps)
    events = (
        each.events
        if (each.events >= 0).any()
        else np.repeat(each.drawn.users[:, None], each.counted.shape[1], axis=1)
    )
    keys = events * (seen.log.n_items + 1) + each.drawn.items
    good = each.counted & (each.drawn.items > 0) & (events >= 0)
    if good.sum() > MOST:  # a part of the positives, both epochs' draws of each
        good &= events % int(good.sum() // MOST + 1) == 0
    first, second = (different(keys[good & (epoch == e)[:, None]]) for e in (0, 1))
    if len(first) < 50 or len(second) < 50:
        return None
    again = common(second, first) / len(second)
    with_key = len(first) / max(len(different(first // (seen.log.n_items + 1))), 1)
    # Items that are never drawn can stand beside nothing again.
    ever = len(different(first % (seen.log.n_items + 1)))
    return again, min(1.0, with_key / max(ever, 1))
