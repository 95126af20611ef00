"""Pointwise losses: which of the items beside users a step calls right, and which wrong, by the labels that its loss took.

Rows of both kinds come in any order, so that only their labels tell them apart.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diagnosis.examination import Stream
from diagnosis.streams.drawn import OWN, Drawn, own_share
from diagnosis.streams.log import Log
from diagnosis.streams.recorded import STEP
from diagnosis.streams.views import NOTHING, View, views

FEWEST = 20  # items of either label
LOSSES = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """One label for each id of a view. right: bool (n, W). there: bool (n, W), where the view has an id.

    sure: whether a loss took them as what to learn; what is only multiplied may be a mask.
    """

    right: NDArray[np.bool_]
    there: NDArray[np.bool_]
    sure: bool

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """The ids that are labelled as none to rank high."""
        return self.there & ~self.right


def label_views(streams: Iterable[Stream]) -> list[View]:
    """The labels of each step, those that a loss took first."""
    found = [view for each in streams if each.kind == "label" and each.grad for view in views(each)]
    return sorted(found, key=lambda view: view.stream.function not in LOSSES)


def labels_of(view: View, labels: Iterable[View]) -> Iterator[Labels]:
    """The labels that have as many entries in each call as a view has ids, and are of both kinds."""
    there = view.ids != NOTHING
    for each in labels:
        same = len(each.calls) == len(view.calls) and (each.calls[:, STEP] == view.calls[:, STEP]).all()
        if not same or (each.sizes != view.sizes).any():
            continue
        flat = each.ids[each.ids != NOTHING] > 0
        if flat.all() or not flat.any():
            continue
        right = np.zeros(view.ids.shape, dtype=bool)
        right[there] = flat
        sure = each.stream.function in LOSSES
        yield Labels(right=right, there=there, sure=sure)
        if not sure:  # a factor may be the label with its sign turned, or one less the label
            yield Labels(right=there & ~right, there=there, sure=False)


def by_label(log: Log, each: Drawn, labels: Iterable[View]) -> list[Drawn]:
    """What is labelled as right and what as wrong, or both together where no labels tell them apart.

    Values that are only multiplied are labels where they tell the users' own items from others.
    """
    for told in labels_of(each.view, labels):
        right, wrong = (_only(log, each, mask) for mask in (told.right, told.wrong))
        if min((part.items > 0).sum() for part in (right, wrong)) < FEWEST:
            continue
        if told.sure or (right.own >= OWN and wrong.own < OWN / 2):
            return [replace(right, labelled=True), replace(wrong, labelled=False)]
    return [each]


def labelled(log: Log, paired: Iterable[Drawn], labels: Iterable[View]) -> list[Drawn]:
    """The views beside users by what the labels tell of them.

    What is the users' own beside either label, where another view is so beside one alone, is read with the candidate and
    is none: the item before, in a row of fields.
    """
    told = [(each, by_label(log, each, labels)) for each in paired]
    apart = [parts for _, parts in told if len(parts) > 1 and not _are_own(parts)]
    return [
        part
        for each, parts in told
        for part in ([each] if apart and len(parts) > 1 and _are_own(parts) else parts)
    ]


def _are_own(parts: Iterable[Drawn]) -> bool:
    return all(part.own >= OWN for part in parts)


def _only(log: Log, each: Drawn, mask: NDArray[np.bool_]) -> Drawn:
    items = np.where(mask, each.items, 0)
    own, chance = own_share(log, each.users, items)
    events = np.where(mask, each.events, -1)
    relation = None if each.relation is None else replace(each.relation, items=items, events=events)
    return replace(each, items=items, events=events, own=own, chance=chance, relation=relation)


def turned_labels(drawn: Iterable[Drawn], labels: Iterable[View]) -> View | None:
    """The labels of a view in which the users' own items are labelled as none of theirs, and others as theirs; None where none are."""
    known = [*drawn]
    views_of_labels = [*labels]
    for right in (each for each in known if each.labelled and each.own < OWN / 2):
        wrong = next((each for each in known if each.labelled is False and each.view is right.view), None)
        if wrong is None or wrong.own < OWN or min((p.items > 0).sum() for p in (right, wrong)) < FEWEST:
            continue
        for view in views_of_labels:
            if any(
                told.sure and (told.right == (right.items > 0))[told.there].mean() > OWN
                for told in labels_of(right.view, [view])
            ):
                return view
    return None
