"""Where the items of one view lie relative to the events that another put in: the next event, the same, an earlier one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diagnosis.streams.decoding import Numbering, Sequence, item_numberings
from diagnosis.streams.log import Log, different
from diagnosis.streams.masking import mask_of
from diagnosis.streams.recorded import D0, D1, STEP
from diagnosis.streams.time_major import reading_order, turned
from diagnosis.streams.views import View
from seeds.interactions import Int64

BY = (1, 0, 2, -1, -2, 3, -3, 4, 5, 10)  # how many events later the target may lie; ties go to the first
CLEAR = 0.8  # a relation holds for this share of the items
MOST = 50_000  # items on which a relation is tried


@dataclass(frozen=True, kw_only=True, eq=False)
class Aligned:
    """A view beside the events put in.

    view: cut as the sequence where it was flat.
    places: int64 (n, W), the place of the event put in beside each id, -1 beside padding.
    users: int64 (n,), whose row it is, 0 where not known.
    newest: whether there is one id (or one set of candidates) for a row, beside the newest event of the row.
    seen: int64 (n, W), the item that the model sees there; 0 where padding or a mask hides it.
    """

    view: View
    places: Int64
    users: Int64
    newest: bool
    seen: Int64


def align(log: Log, inputs: Sequence, view: View) -> Iterator[Aligned]:
    """Every way in which the ids of a view can lie beside those put in, the plainest first."""
    calls = inputs.view.calls
    heights, widths = calls[:, D0], np.maximum(calls[:, D1], 1)
    users = inputs.located.user
    if inputs.view.same_rows(view):
        if view.width == 1:
            yield from _ends(log, inputs, view)
            return
        per_call = np.maximum(view.calls[:, D1], 1)
        if (per_call == widths).all():
            yield Aligned(view=view, places=inputs.places, users=users, newest=False, seen=inputs.items)
        elif len(per_call) == len(widths) and (per_call == widths - 1).all():
            cut = slice(0, inputs.view.width - 1)
            yield Aligned(
                view=view,
                places=inputs.places[:, cut],
                users=users,
                newest=False,
                seen=inputs.items[:, cut],
            )
        elif (per_call % widths == 0).all() and inputs.view.width * (k := int(per_call[0] // widths[0])) == (
            view.width
        ):
            yield Aligned(
                view=view,
                places=np.repeat(inputs.places, k, axis=1),
                users=users,
                newest=False,
                seen=np.repeat(inputs.items, k, axis=1),
            )
        yield from _ends(log, inputs, view)
        yield from _turned(inputs, view)
        return
    yield from _turned(inputs, view)
    for less in (0, 1):
        flat = view.shaped(heights, widths - less)
        if flat is not None:
            cut = slice(0, flat.width)
            yield Aligned(
                view=flat,
                places=inputs.places[:, cut],
                users=users,
                newest=False,
                seen=inputs.items[:, cut],
            )
    yield from _packed(log, inputs, view)


def _turned(inputs: Sequence, view: View) -> Iterator[Aligned]:
    """A view (L, B) of inputs (B, L), such as targets that are compared with one another at each place."""
    across = inputs.view.calls[:, [STEP, D1, D0]]
    if inputs.view.width < 2 or not np.array_equal(view.calls[:, [STEP, D0, D1]], across):
        return
    other = turned(view)
    if other is not None:
        yield Aligned(
            view=other, places=inputs.places, users=inputs.located.user, newest=False, seen=inputs.items
        )


def _ends(log: Log, inputs: Sequence, view: View) -> Iterator[Aligned]:
    """One id, or a few candidates, for a row: they lie beside the newest event that the row shows, or the oldest."""
    shown = np.where(inputs.items > 0, inputs.places, -1)
    yield _beside(log, inputs, view, shown.max(axis=1))  # the log runs upwards in time
    if inputs.located.reversed:
        oldest = np.where(shown >= 0, shown, log.n).min(axis=1)
        yield _beside(log, inputs, view, np.where(oldest < log.n, oldest, -1))


def _beside(log: Log, inputs: Sequence, view: View, place: Int64) -> Aligned:
    wide = np.repeat(place[:, None], view.width, axis=1)
    seen = np.where(wide >= 0, log.items[np.maximum(wide, 0)], 0)
    return Aligned(view=view, places=wide, users=inputs.located.user, newest=True, seen=seen)


def _packed(log: Log, inputs: Sequence, view: View) -> Iterator[Aligned]:
    """A view of the ids at some positions only, as a boolean mask leaves them: (M,) or (M, K) for inputs (B, L)."""
    if len(view.calls) != len(inputs.view.calls) or (view.calls[:, 0] != inputs.view.calls[:, 0]).any():
        return
    for chosen, counts in packings(log, inputs):
        if (counts != view.calls[:, D0]).any():
            continue
        cells = chosen[:, None].repeat(view.width, axis=1)
        places = inputs.places.reshape(-1)[cells]
        yield Aligned(
            view=view,
            places=places,
            users=inputs.located.user[chosen // inputs.view.width],
            newest=False,
            seen=inputs.items.reshape(-1)[cells],
        )


def packings(log: Log, inputs: Sequence) -> Iterator[tuple[Int64, Int64]]:
    """Positions that a mask may leave, in the order of the repo's own tensor or of a packed sequence, and how many there are in
    each call.

    The events that are read, those that are hidden, those that have a next one; where there is a mask, all that hold it,
    whatever it hides, and these with the events that are read.
    """
    order = reading_order(inputs.view, inputs.time_major)
    yield from _left_by_masks(log, inputs, order)
    width = inputs.view.width
    if width > 1:  # `pack_padded_sequence` goes through the places, and at each of them through the rows
        row, column = np.divmod(order, width)
        packed = order[np.lexsort((row, column, inputs.view.call[row]))]
        if not np.array_equal(packed, order):
            yield from _left_by_masks(log, inputs, packed)


def _left_by_masks(log: Log, inputs: Sequence, order: Int64) -> Iterator[tuple[Int64, Int64]]:
    """What masks leave of the positions in `order`."""
    items, places = inputs.items.reshape(-1)[order], inputs.places.reshape(-1)[order]
    call = inputs.view.call[order // inputs.view.width]
    followed = (items > 0) & (log.moved(places, 1) >= 0)
    masked = mask_of(log, inputs)
    ids = inputs.view.ids.reshape(-1)[order]
    hidden = [ids == masked.id, (items > 0) | (ids == masked.id)] if masked is not None else []
    for mask in (items > 0, (items == 0) & (places >= 0), followed, *hidden):
        yield order[mask], np.bincount(call[mask], minlength=len(inputs.view.calls))


@dataclass(frozen=True, kw_only=True, eq=False)
class Relation:
    """What a view's items are, beside the events put in.

    by: how many events later of the same user (1: the next one); None if no such number holds for most.
    share: of the items for which it holds. judged: how many items that is measured on.
    columns: bool (W,), the columns for which it holds; others hold candidates of another make.
    items: int64 (n, W) decoded, 0 for what is no item.
    events: int64 (n, W), the place of the event that an item is, -1 where it is none.
    """

    aligned: Aligned
    numbering: Numbering
    items: Int64
    by: int | None
    share: float
    judged: int
    columns: NDArray[np.bool_]
    events: Int64

    def shown(self) -> float:
        """The share of items that the model sees at their own position."""
        there = (self.items > 0) & (self.aligned.places >= 0)
        return float(((self.aligned.seen == self.items) & there).sum() / max(there.sum(), 1))


def relate(log: Log, inputs: Sequence, view: View) -> Relation | None:
    """The clearest relation of a view to what was put in; None if its ids lie beside nothing that was."""
    best: tuple[Aligned, Numbering, Guess] | None = None
    for aligned in align(log, inputs, view):
        for numbering in _numberings(log, inputs, view):
            guess = _guess(log, aligned, numbering)
            if guess is None or (best is not None and guess.by is None):
                continue  # ids that follow nothing are read by the first numbering
            if best is None or guess.share > best[2].share + 0.02:
                best = (aligned, numbering, guess)
            if best[2].share > 0.95:
                return _in_full(log, *best)
    return _in_full(log, *best) if best is not None else None


def _numberings(log: Log, inputs: Sequence, view: View) -> Iterator[Numbering]:
    """The inputs' numbering first: one table has one numbering. Then those of the view's own size."""
    same = inputs.view.stream.rows == view.stream.rows or inputs.view.stream.table == view.stream.table != ""
    if same:
        yield inputs.numbering
    for numbering in item_numberings(log, view.stream.rows):
        known = (numbering.offset, numbering.name) == (inputs.numbering.offset, inputs.numbering.name)
        if not (same and known):
            yield numbering


@dataclass(frozen=True, kw_only=True, eq=False)
class Guess:
    """A relation, judged on a part of the rows; the fields are those of Relation."""

    by: int | None
    share: float
    judged: int
    columns: NDArray[np.bool_]


def _guess(log: Log, aligned: Aligned, numbering: Numbering) -> Guess | None:
    ids = aligned.view.ids
    if not len(ids):
        return None
    sample = different(np.linspace(0, len(ids) - 1, max(1, MOST // ids.shape[1])).astype(np.int64))
    beside, at = numbering.decode(ids[sample], log.n_items), aligned.places[sample]
    judged = (beside > 0) & (at >= 0)
    if judged.sum() < 20:
        return None
    best = Guess(by=None, share=0.0, judged=int(judged.sum()), columns=np.ones(ids.shape[1], dtype=bool))
    for by in BY:
        there = log.moved(at, by)
        right = judged & (there >= 0) & (log.items[np.maximum(there, 0)] == beside)
        counted = judged & (there >= 0) if by < 0 else judged
        share, columns = _best_columns(right, counted, aligned.newest)
        if share > best.share + 0.05:
            best = Guess(by=by, share=share, judged=best.judged, columns=columns)
        if best.share > 0.99:
            break
    return best if best.share >= CLEAR else replace(best, by=None)


def _in_full(log: Log, aligned: Aligned, numbering: Numbering, guess: Guess) -> Relation:
    items = numbering.decode(aligned.view.ids, log.n_items)
    events = np.full(items.shape, -1, dtype=np.int64)
    if guess.by is not None:
        there = log.moved(aligned.places, guess.by)
        events = np.where((there >= 0) & (items > 0) & (log.items[np.maximum(there, 0)] == items), there, -1)
    return Relation(
        aligned=aligned,
        numbering=numbering,
        items=items,
        by=guess.by,
        share=guess.share,
        judged=guess.judged,
        columns=guess.columns,
        events=events,
    )


def _best_columns(
    right: NDArray[np.bool_], counted: NDArray[np.bool_], newest: bool
) -> tuple[float, NDArray[np.bool_]]:
    """How often it is right: over all, or where each row holds candidates, of the columns where it is right."""
    every = np.ones(right.shape[1], dtype=bool)
    overall = float(right.sum() / max(counted.sum(), 1))
    if not newest or right.shape[1] == 1 or overall >= CLEAR:
        return overall, every
    of_column = right.sum(axis=0) / np.maximum(counted.sum(axis=0), 1)
    good = (of_column >= CLEAR) & (counted.sum(axis=0) >= 20)
    return (float(of_column[good].mean()), good) if good.any() else (overall, every)
