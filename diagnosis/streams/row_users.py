"""User ids beside histories: whether each row's history is that user's."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from diagnosis.streams.decoding import Numbering, Sequence, user_numberings
from diagnosis.streams.drawn import Drawn, own_share
from diagnosis.streams.log import Log
from diagnosis.streams.views import View
from seeds.interactions import Int64

SAME = 0.9  # of the rows whose history is found
OTHER = 0.5
CLEARLY = 0.05  # shares of items, taken together
APART = 0.15  # how far the shares of two draws of the same users may differ, all together


@dataclass(frozen=True, kw_only=True, eq=False)
class RowUsers:
    """A view of user ids, as many as there are histories. agreement: share of rows whose history is the user's."""

    view: View
    numbering: Numbering
    agreement: float

    @property
    def right(self) -> bool:
        """Whether histories are those of the users beside them."""
        return self.agreement >= SAME


def histories_stray(log: Log, inputs: Sequence, beside: RowUsers, found: Iterable[Drawn]) -> bool:
    """Whether the items beside the rows go with the user ids better than with the histories.

    found: positives and negatives; positives are events of their user, negatives mostly are not.
    """
    ids = beside.numbering.decode(beside.view.ids[:, 0], log.n_users)
    likelier = 0.0
    for each in found:
        if not inputs.view.same_rows(each.view) or not (each.items > 0).any():
            continue
        by_id, by_history = (own_share(log, users, each.items)[0] for users in (ids, inputs.located.user))
        likelier += (by_history - by_id) if each.labelled is False else (by_id - by_history)
    return likelier > CLEARLY


def row_users(log: Log, inputs: Sequence, found: list[View]) -> RowUsers | None:
    """The view that holds the users of the rows, in their order or (all of them) in another; None if there is none."""
    best: RowUsers | None = None
    for view in found:
        if view.width != 1 or view.stream.kind != "index" or not inputs.view.same_rows(view):
            continue
        if not _fits_users(log, view):
            continue
        for numbering in user_numberings(log, view.stream.rows):
            users = numbering.decode(view.ids[:, 0], log.n_users)
            agreement = _agreement(inputs, users)
            if agreement is None or (agreement < SAME and not _as_often(inputs, users)):
                continue
            if best is None or agreement > best.agreement:
                best = RowUsers(view=view, numbering=numbering, agreement=agreement)
    return best if best is not None and not OTHER < best.agreement < SAME else None


def _fits_users(log: Log, view: View) -> bool:
    """Whether the table has about a row for each user (and perhaps each item)."""
    sizes = (log.n_users, log.n_users + log.n_items)
    return any(size - 1 <= view.stream.rows <= size + 3 for size in sizes)


def _agreement(inputs: Sequence, users: Int64) -> float | None:
    sure = inputs.located.found & ~inputs.located.unsure
    if sure.sum() < 50 or (users > 0).mean() < 0.98:
        return None
    return float((users == inputs.located.user)[sure].mean())


def _as_often(inputs: Sequence, users: Int64) -> bool:
    """Whether each user stands beside as many rows as have his history, as after a change of order."""
    n = int(max(users.max(), inputs.located.user.max())) + 1
    if n < 20:
        return False
    ids = np.bincount(users[users > 0], minlength=n)
    rows = np.bincount(inputs.located.user[inputs.located.found], minlength=n)
    return bool(np.abs(ids / ids.sum() - rows / max(rows.sum(), 1)).sum() / 2 < APART)
