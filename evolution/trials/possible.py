"""Which lists a ranking of these questions can give at all. What no scores can give is refused by name. Pure.

A worker's half of ours ranks in the candidate's own process, where the candidate can exchange it. So the job believes
no list: it knows how many unseen items each user has, and from it how long a list and how large a tie can be.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import TopLists
from seeds.interactions import Float32, Int64, Questions


@dataclass(frozen=True, eq=False)
class PossibleLists:
    """The lists that can answer `questions` out of a catalogue of `n_items`, of which a user has seen his history."""

    questions: Questions
    n_items: int

    def problem_with(self, lists: TopLists) -> str:
        """Why these lists cannot be an answer, "" where they can."""
        return (
            self._out_of_range(lists)
            or self._wrong_length(lists)
            or self._wrong_order(lists)
            or self._wrong_items(lists)
            or self._wrong_ties(lists)
        )

    @cached_property
    def seen(self) -> Int64:
        """Each pair of a question and an item of its history once, as one number: int64 (P,), rising."""
        lengths = np.diff(self.questions.offsets)
        rows = np.repeat(np.arange(len(self.questions), dtype=np.int64), lengths)
        first, last = self.questions.offsets[0], self.questions.offsets[-1]
        return np.unique(self._pairs(rows, self.questions.items[first:last]))

    @cached_property
    def n_unseen(self) -> Int64:
        """How many items of the catalogue each question's user has not seen: int64 (Q,)."""
        seen = np.bincount(self.seen // (self.n_items + 1), minlength=len(self.questions))
        return self.n_items - seen

    def only_unseen(self, dense: Float32, rows: NDArray[np.integer]) -> Float32:
        """A copy of the scores (S, n_items + 1) of the questions `rows`, minus infinity for padding and what is seen."""
        unseen = dense.copy()
        unseen[:, 0] = -np.inf
        for place, row in enumerate(rows):
            unseen[place, self.questions.history(int(row))] = -np.inf
        return unseen

    def _pairs(self, rows: Int64, items: NDArray[np.integer]) -> Int64:
        return rows * (self.n_items + 1) + items

    def _out_of_range(self, lists: TopLists) -> str:
        items, scores = lists.items, lists.scores
        if (items < 0).any() or (items > self.n_items).any():
            return f"a list holds an id outside 1..{self.n_items}"
        if not np.isfinite(scores[items > 0]).all():
            return "a list holds a score that is not finite"
        if not np.isneginf(scores[items == 0]).all():
            return "a list has a score where it has no item"
        return ""

    def _wrong_length(self, lists: TopLists) -> str:
        lengths = (lists.items > 0).sum(axis=1)  # (Q,)
        if (lists.items[:, :-1] == 0).any() and ((lists.items[:, :-1] == 0) & (lists.items[:, 1:] > 0)).any():
            return "a list has a gap"
        wanted = np.minimum(lists.items.shape[1], self.n_unseen)
        wrong = np.flatnonzero(lengths != wanted)
        if not len(wrong):
            return ""
        row = wrong[0]
        return (
            f"{len(wrong)} of {len(lengths)} lists are not as long as they must be: the first holds {lengths[row]} items, "
            f"expected {wanted[row]}, as its user has {self.n_unseen[row]} unseen items"
        )

    def _wrong_order(self, lists: TopLists) -> str:
        rising = (lists.scores[:, 1:] > lists.scores[:, :-1]).any()
        return "a list is not in the order of its scores" if rising else ""

    def _wrong_items(self, lists: TopLists) -> str:
        by_id = np.sort(lists.items, axis=1)
        if ((by_id[:, 1:] == by_id[:, :-1]) & (by_id[:, 1:] > 0)).any():
            return "a list holds an item twice"
        rows = np.arange(len(by_id), dtype=np.int64)[:, None]
        pairs = self._pairs(rows, by_id)[by_id > 0]
        if len(self.seen) and len(pairs):
            found = np.minimum(np.searchsorted(self.seen, pairs), len(self.seen) - 1)
            if (self.seen[found] == pairs).any():
                return "a list holds an item that the user has seen"
        return ""

    def _wrong_ties(self, lists: TopLists) -> str:
        """Of a full list the items with its last score are tied, with as many beyond it as there are unseen items."""
        full = self.n_unseen >= lists.items.shape[1]
        last = (lists.scores == lists.scores[:, -1:]).sum(axis=1)
        within, among = lists.ties[:, 0], lists.ties[:, 1]
        if (within != np.where(full, last, 0)).any():
            return "the number of items said to be tied at the end of a list is not what the list shows"
        beyond = among.astype(np.int64) - within
        if (beyond < 0).any() or (beyond > np.where(full, self.n_unseen - lists.items.shape[1], 0)).any():
            return "more items are said to be tied at the end of a list than its user has unseen items"
        return ""
