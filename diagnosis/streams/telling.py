"""Tells positives from negatives by whether they are events of the user beside them, column by column."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from diagnosis.streams.decoding import Sequence
from diagnosis.streams.drawn import OWN, Drawn, own_share
from diagnosis.streams.log import Log, different
from diagnosis.streams.not_drawn import comes_with_items, is_read
from diagnosis.streams.recorded import D0
from diagnosis.streams.shuffled import shuffled
from diagnosis.streams.target_columns import divided

MOST_PARTS = 8  # positives and so many sets of negatives may lie one after the other in a call


def told_apart(
    log: Log, drawn: list[Drawn], inputs: Sequence | None, epochs: int
) -> tuple[list[Drawn], list[Drawn], list[Drawn]]:
    """Positives, negatives, and what is neither."""
    parts = [part for each in drawn for part in _parts(log, each)]
    positives = _positives(log, _without_inputs(log, parts, inputs, epochs)) or _misplaced(
        log, parts, inputs, epochs
    )
    if not positives:
        return [], [], parts
    negatives = [
        each
        for each in parts
        if not any(each.view is positive.view and each.items is positive.items for positive in positives)
        and each.view.stream.kind == "index"
        and (each.labelled is False or not (_read_again(each) or is_read(each, inputs, positives)))
        and not comes_with_items(each, positives)
    ]
    return positives, [each for each in negatives if not _same_items(each, positives)], []


def _positives(log: Log, parts: list[Drawn]) -> list[Drawn]:
    """What a loss is told to be right; else the events after those put in; else classes of a loss; else the views that
    are the users' own.
    """
    told = [each for each in parts if each.labelled]
    if told:
        return told
    following = [each for each in parts if each.relation is not None and each.relation.by == 1]
    if following:
        return following
    classes = [
        each for each in parts if each.view.stream.kind == "target" and each.view.stream.rows >= log.n_items
    ]
    if classes:
        return classes
    related = [each for each in parts if each.relation is not None and each.relation.by is not None]
    if related:
        return [each for each in related if each.relation.by != 0] or related  # pyright: ignore[reportOptionalMemberAccess]
    own = [each for each in parts if each.own >= OWN]
    if len(own) < 2:
        return own
    return [max(own, key=_covered)]  # of two views of own items that which covers the log holds the positives


def _without_inputs(log: Log, parts: list[Drawn], inputs: Sequence | None, epochs: int) -> list[Drawn]:
    """Without what is read a second time, where rows have something else beside them that is their target."""
    again = [each for each in parts if _input_again(each)]
    if not again:
        return parts
    others = [each for each in parts if not _input_again(each) and shuffled(log, inputs, epochs, each)]
    if others:
        return [each for each in parts if not _input_again(each)]
    single = [each for each in again if each.relation is not None and each.relation.aligned.newest]
    rest = [each for each in again if all(each is not one for one in single)]
    return [each for each in parts if all(each is not one for one in rest)] if single else parts


def _input_again(each: Drawn) -> bool:
    """Whether it holds the very items that are read at its places."""
    relation = each.relation
    return relation is not None and relation.by == 0 and relation.shown() > 0.999


def _misplaced(log: Log, parts: list[Drawn], inputs: Sequence | None, epochs: int) -> list[Drawn]:
    """Views, or columns of one, that hold the right items beside the wrong users."""
    found = []
    for each in parts:
        whole = shuffled(log, inputs, epochs, each)
        columns = range(0 if whole or inputs is not None or each.view.width > MOST_PARTS else each.view.width)
        for mask in [np.ones(each.items.shape, dtype=bool)] if whole else [_column(each, c) for c in columns]:
            part = _only(log, each, mask)
            if whole or shuffled(log, inputs, epochs, part):
                found.append(replace(part, shuffled=True))
    return found


def _column(each: Drawn, column: int) -> NDArray[np.bool_]:
    return np.broadcast_to(np.arange(each.view.width) == column, each.items.shape)


def _covered(each: Drawn) -> int:
    return len(different(each.events[each.events >= 0]))


def _read_again(each: Drawn) -> bool:
    """Whether it is what was put in, looked up a second time."""
    return each.relation is not None and each.relation.by is not None and each.own >= OWN


def _same_items(each: Drawn, positives: list[Drawn]) -> bool:
    return any(
        each.items.shape == other.items.shape and bool((each.items == other.items).all())
        for other in positives
    )


def _parts(log: Log, each: Drawn) -> list[Drawn]:
    """The columns (or equal parts of each call) that are the users' own, and those that are not."""
    if each.labelled is not None:
        return [each]
    if each.relation is not None and not each.relation.aligned.newest and each.view.width > 1:
        return [each]  # columns are places in a history
    by_place = divided(log, each)
    if by_place is not None:
        return [_measured(log, part) for part in by_place]
    if each.own >= OWN and each.view.width == 1:
        return [each]
    masks = _by_column(log, each) if each.view.width > 1 else _by_part(log, each)
    if masks is None:
        return _mixed(log, each) if each.relation is None else [each]
    return [_only(log, each, mask) for mask in masks if mask.any()]


def _met(log: Log, each: Drawn) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    known = (each.items > 0) & (each.users > 0)[:, None]
    return log.met(np.broadcast_to(each.users[:, None], each.items.shape), each.items) & known, known


def _by_column(log: Log, each: Drawn) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    met, known = _met(log, each)
    own = met.sum(axis=0) / np.maximum(known.sum(axis=0), 1) >= OWN
    if own.all():
        own = _covering_columns(log, each)
    if own.all() or not own.any():
        return None
    return np.broadcast_to(own, met.shape), np.broadcast_to(~own, met.shape)


def _covering_columns(log: Log, each: Drawn) -> NDArray[np.bool_]:
    """Where all columns are the users' own: those that go through the log, if the others are drawn from it."""
    count = [len(different(column[column >= 0])) for column in each.events.T]
    whole = np.asarray(count) >= 0.98 * log.distinct.sum()
    return whole if whole.any() else np.ones(len(whole), dtype=bool)


def _by_part(log: Log, each: Drawn) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Calls that hold the positives in one half (third, ...) and negatives in the others, or alternate."""
    met, known = _met(log, each)
    heights = each.view.calls[:, D0].astype(np.int64)
    size = heights[each.view.call]
    nth = np.arange(len(size)) - (np.cumsum(heights) - heights)[each.view.call]
    for parts in range(2, MOST_PARTS + 1):
        if (heights % parts).any():
            continue
        for of in (nth * parts // size, nth % parts):
            right = np.bincount(of, weights=met[:, 0], minlength=parts)
            own = right / np.maximum(np.bincount(of, weights=known[:, 0], minlength=parts), 1) >= OWN
            if own.any() and not own.all():
                return own[of][:, None], ~own[of][:, None]
    return None


def _holds_events(log: Log, each: Drawn) -> bool:
    """Whether more of the pairs are events than chance would have, or all of the log is among them."""
    if each.own > max(0.1, 2 * each.chance):
        return True
    return _covered(each) >= 0.98 * log.distinct.sum() and (each.own > 0.05)


def _measured(log: Log, each: Drawn) -> Drawn:
    own, chance = own_share(log, each.users, each.items)
    return replace(each, own=own, chance=chance)


def _only(log: Log, each: Drawn, mask: NDArray[np.bool_]) -> Drawn:
    items = np.where(mask, each.items, 0)
    own, chance = own_share(log, each.users, items)
    return replace(each, items=items, events=np.where(mask, each.events, -1), own=own, chance=chance)


def _mixed(log: Log, each: Drawn) -> list[Drawn]:
    """Rows in any order, each with its label: only the log can tell positives from negatives."""
    met, _ = _met(log, each)
    if each.view.width > 1 or each.own >= OWN or not _holds_events(log, each):
        return [each]
    if each.view.stream.kind != "index":
        return [each]
    own, others = _only(log, each, met), _only(log, each, ~met)
    return [replace(own, mixed=True), replace(others, mixed=True)]
