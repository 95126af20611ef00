"""The users whom probes measure, their questions, and the item columns; all subjects of a trial share them."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from diagnosis.coevolution.view import Bool, Int64
from diagnosis.evidence import Evidence
from diagnosis.probes.ranking import popularity
from seeds.interactions import Interactions, Questions

MAX_SCORES = 4_000_000  # users x items of one ranking; with many items fewer users are sampled
FEWEST_USERS = 100
FOLLOWERS = 10  # followers kept for each item


def sampled_places(n_dense: int, n_items: int) -> Int64:
    """Positions, among the densely scored questions, of the users whom probes measure: int64 (S,). Many items mean
    fewer users.
    """
    most = max(FEWEST_USERS, MAX_SCORES // (n_items + 1))
    return np.unique(np.linspace(0, n_dense - 1, min(n_dense, most)).astype(np.int64))


class SampledUsers:
    """S users of one trial.

    places: int64 (S,), their positions among the densely scored questions.
    rows: int64 (S,), their positions among all questions.
    """

    def __init__(self, evidence: Evidence) -> None:
        dense_rows = evidence.artifacts.dense_rows
        self.evidence = evidence
        self.places = sampled_places(len(dense_rows), evidence.training.n_items)
        self.rows = dense_rows[self.places].astype(np.int64)

    @cached_property
    def questions(self) -> Questions:
        """The questions of the sampled users alone, in the order of `rows`."""
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
        """The items of each user's events, oldest first: S read-only int64 arrays."""
        return tuple(locked(self.questions.history(s)) for s in range(len(self.questions)))

    @cached_property
    def unseen(self) -> Bool:
        """Which items may be shown to each user: bool (S, n_items + 1)."""
        unseen = np.ones((len(self.rows), self.evidence.training.n_items + 1), dtype=bool)
        unseen[:, 0] = False
        for s, history in enumerate(self.histories):
            unseen[s, history] = False
        return unseen

    @cached_property
    def columns(self) -> Mapping[str, np.ndarray]:
        """The item columns of a ProbeView by name: (n_items + 1,) each, `followers` (n_items + 1, FOLLOWERS)."""
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
    """A read-only view of the same values."""
    own = np.ascontiguousarray(array).view()
    own.flags.writeable = False
    return own


def codes_of(names: list[object]) -> Int64:
    """Codes of names, counted from 1 by first appearance, 0 for "" and (): int64 (len(names),)."""
    known: dict[object, int] = {}
    return np.array([known.setdefault(name, len(known) + 1) if name else 0 for name in names], dtype=np.int64)


def followers(training: Interactions) -> Int64:
    """The items that most often came right after each item, most frequent first: int64 (n_items + 1, FOLLOWERS), 0 for
    none.
    """
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
