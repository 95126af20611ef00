"""The users that probes look at, their questions, and the items' columns: what all subjects of a trial share."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from diagnosis.coevolution.view import Bool, Int64
from diagnosis.evidence import Evidence
from diagnosis.probes.ranking import popularity
from seeds.interactions import Interactions, Questions

MAX_SCORES = 4_000_000  # scores of one ranking that are held; fewer users where there are many items
FEWEST_USERS = 100
FOLLOWERS = 10


def sampled_places(n_dense: int, n_items: int) -> Int64:
    """Places among the densely scored questions that probes look at: fewer where there are many items."""
    most = max(FEWEST_USERS, MAX_SCORES // (n_items + 1))
    return np.unique(np.linspace(0, n_dense - 1, min(n_dense, most)).astype(np.int64))


class SampledUsers:
    """S users of one trial. places: among the densely scored questions; rows: among all questions."""

    def __init__(self, evidence: Evidence) -> None:
        dense_rows = evidence.artifacts.dense_rows
        self.evidence = evidence
        self.places = sampled_places(len(dense_rows), evidence.training.n_items)
        self.rows = dense_rows[self.places].astype(np.int64)

    @cached_property
    def questions(self) -> Questions:
        """The sampled users' own."""
        questions = self.evidence.questions
        histories = [questions.history(int(row)) for row in self.rows]
        offsets = np.concatenate([[0], np.cumsum([len(history) for history in histories])]).astype(np.int64)
        return Questions(
            users=questions.users[self.rows],
            items=np.concatenate(histories),
            offsets=offsets,
            targets=questions.targets[self.rows],
        )

    @cached_property
    def histories(self) -> tuple[Int64, ...]:
        return tuple(locked(self.questions.history(s)) for s in range(len(self.questions)))

    @cached_property
    def unseen(self) -> Bool:
        """bool (S, n_items + 1): what may be shown."""
        unseen = np.ones((len(self.rows), self.evidence.training.n_items + 1), dtype=bool)
        unseen[:, 0] = False
        for s, history in enumerate(self.histories):
            unseen[s, history] = False
        return unseen

    @cached_property
    def columns(self) -> Mapping[str, np.ndarray]:
        """The item columns of a view, (n_items + 1,) each but followers."""
        training = self.evidence.training
        columns = training.item_columns
        found = {
            "popularity": popularity(training),
            "followers": followers(training),
            "category": codes_of([path[0] if path else "" for path in columns.categories]),
            "subcategory": codes_of(list(columns.categories)),
            "store": codes_of(list(columns.store)),
            "price": columns.price.astype(np.float64),
            "rating": columns.average_rating.astype(np.float64),
        }
        return {name: locked(column) for name, column in found.items()}


def locked(array: np.ndarray) -> np.ndarray:
    """The same values, read-only."""
    own = np.ascontiguousarray(array).view()
    own.flags.writeable = False
    return own


def codes_of(names: list[object]) -> Int64:
    """Numbers from 1 in order of first appearance; 0 for "" and (): int64 (len(names),)."""
    known: dict[object, int] = {}
    return np.array([known.setdefault(name, len(known) + 1) if name else 0 for name in names], dtype=np.int64)


def followers(training: Interactions) -> Int64:
    """The items that most often came right after each item: int64 (n_items + 1, FOLLOWERS), 0 none."""
    follows = training.users[1:] == training.users[:-1]
    size = training.n_items + 1
    pairs, counts = np.unique(
        training.items[:-1][follows] * size + training.items[1:][follows], return_counts=True
    )
    before, after = np.divmod(pairs, size)
    order = np.lexsort((after, -counts, before))
    before, after = before[order], after[order]
    place = np.arange(len(before)) - np.searchsorted(
        before, before
    )  # within the same item, most frequent first
    kept = place < FOLLOWERS
    table = np.zeros((size, FOLLOWERS), dtype=np.int64)
    table[before[kept], place[kept]] = after[kept]
    return table
