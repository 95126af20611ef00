"""What is looked up beside positives and yet is no negative: an item's own neighbours, and views that the model reads."""

from collections.abc import Sequence as Several

import numpy as np

from diagnosis.streams.decoding import Sequence
from diagnosis.streams.drawn import Drawn

FEWEST = 100  # rows that repeat a positive beside another user
SAME = 0.99  # of them hold the very same items


def is_read(each: Drawn, inputs: Sequence | None, positives: Several[Drawn]) -> bool:
    """Whether a view takes the way of what is read, which the positives do not take: another view of a history, as in
    contrastive learning. The line that looks both up is then not the one that looks candidates up.
    """
    if inputs is None:
        return False
    place = inputs.view.stream.place
    return each.view.stream.place == place and all(one.view.stream.place != place for one in positives)


def comes_with_items(each: Drawn, positives: Several[Drawn]) -> bool:
    """Whether the positive alone decides what stands beside it, whoever the user is: its neighbours in a graph of items.

    A column that holds the positive itself, as its own first neighbour, is no item of `each`.
    """
    return any(
        one.view.width == 1
        and one.view is not each.view
        and one.view.same_rows(each.view)
        and _decides(one, each)
        for one in positives
    )


def _decides(positive: Drawn, each: Drawn) -> bool:
    items = each.items[:, (each.items > 0).any(axis=0)]
    order = np.argsort(positive.items[:, 0], kind="stable")
    order = order[(positive.items[order, 0] > 0) & (items[order] > 0).all(axis=1)]
    item, users, beside = positive.items[order, 0], positive.users[order], items[order]
    again = (item[1:] == item[:-1]) & (users[1:] != users[:-1])
    if again.sum() < FEWEST:
        return False
    same = (beside[1:] == beside[:-1]).all(axis=1)
    return bool(same[again].mean() >= SAME and not same[item[1:] != item[:-1]].all())
