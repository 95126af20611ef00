"""The reference rankers. Each is fitted on training events alone and has the `score` method of a recommender."""

from typing import Protocol

import numpy as np

from seeds.interactions import Float32, Int64, Interactions

EASE_MAX_ITEMS = 20_000  # two dense float32 matrices of this size take 3.2 GB
EASE_LAMBDA = 300.0
# Number of transitions that popularity counts for beside the real transitions from an item. Small, since it only
# has to order items that no transition reaches.
MARKOV_PRIOR_EVENTS = 1.0


class Ranker(Protocol):
    """A fitted reference ranker."""

    def score(self, users: Int64, histories: Int64) -> Float32:
        """users (B,), histories (B, L) left-padded with 0, oldest first -> float32 (B, n_items + 1)."""
        ...


class Popularity:
    """Scores an item by its number of training events."""

    def __init__(self, training: Interactions) -> None:
        self._counts = _counts(training)

    def score(self, users: Int64, histories: Int64) -> Float32:
        """The same scores for every user: float32 (B, n_items + 1)."""
        return np.tile(self._counts, (len(histories), 1))


class Markov:
    """Scores an item by how often it directly followed the user's last item.

    The score is the share of transitions, smoothed by the share of all events, so that items that no
    transition reaches are ordered by popularity.
    """

    def __init__(self, training: Interactions) -> None:
        from scipy.sparse import csr_array

        size = training.n_items + 1
        follows = training.users[1:] == training.users[:-1]
        before, after = training.items[:-1][follows], training.items[1:][follows]
        ones = np.ones(len(before), np.float32)
        self._transitions = csr_array((ones, (before, after)), shape=(size, size))  # duplicates add up
        counts = _counts(training)
        self._prior = (counts / max(float(counts.sum()), 1.0)).astype(np.float32)

    def score(self, users: Int64, histories: Int64) -> Float32:
        """Smoothed transition probabilities from the last item of each history: float32 (B, n_items + 1)."""
        last = histories[:, -1]
        rows = self._transitions[last].toarray()  # (B, n_items + 1)
        smoothed = rows + MARKOV_PRIOR_EVENTS * self._prior
        return (smoothed / smoothed.sum(axis=1, keepdims=True)).astype(np.float32)


class Ease:
    """EASE (Steck, WWW 2019, eq. 8): a linear item-to-item model with zero diagonal in closed form.

    B = I - P diag(1 / diag P), P = (X'X + lambda I)^-1, and a user's scores are x B. The order of events is not used.
    Raises ValueError for more than EASE_MAX_ITEMS items.
    """

    def __init__(self, training: Interactions) -> None:
        if training.n_items > EASE_MAX_ITEMS:
            raise ValueError(
                f"EASE inverts a dense matrix of items: {training.n_items} items, expected at most {EASE_MAX_ITEMS}. "
                "Compare with popularity and Markov."
            )
        from scipy.linalg import get_lapack_funcs
        from scipy.sparse import csr_array

        shape = (training.n_users + 1, training.n_items + 1)
        events = csr_array(
            (np.ones(training.n_events, np.float32), (training.users, training.items)), shape=shape
        )
        events.data[:] = 1.0  # duplicates are summed on construction; X is binary
        gram = (events.T @ events).toarray().astype(np.float32)
        gram[np.diag_indices_from(gram)] += EASE_LAMBDA
        factorise, invert = get_lapack_funcs(("potrf", "potri"), (gram,))
        factor, failed = factorise(gram, lower=1, overwrite_a=1)
        inverse, failed_too = invert(factor, lower=1, overwrite_c=1)
        assert not failed and not failed_too, "X'X + lambda I is positive definite"
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        self._weights: Float32 = -inverse / np.diag(inverse)
        np.fill_diagonal(self._weights, 0.0)

    def score(self, users: Int64, histories: Int64) -> Float32:
        """x B for each history, x being the set of its items: float32 (B, n_items + 1)."""
        from scipy.sparse import csr_array

        present = histories > 0
        rows = np.nonzero(present)[0]
        shape = (len(histories), len(self._weights))
        bags = csr_array((np.ones(len(rows), np.float32), (rows, histories[present])), shape=shape)
        bags.data[:] = 1.0
        return np.asarray(bags @ self._weights, np.float32)


_RANKERS = {"popularity": Popularity, "markov": Markov, "ease": Ease}
NAMES = tuple(_RANKERS)


def fit(name: str, training: Interactions) -> Ranker:
    """Fit the ranker called `name`, one of NAMES. Raises ValueError for another name, or too many items for EASE."""
    if name not in _RANKERS:
        raise ValueError(f"Unknown reference ranker {name!r}; expected one of {', '.join(NAMES)}.")
    return _RANKERS[name](training)


def _counts(training: Interactions) -> Float32:
    return np.bincount(training.items, minlength=training.n_items + 1).astype(np.float32)
