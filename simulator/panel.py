"""The choices that the choice model is fitted on: items that users of the training log took, and items they did not.

A choice set is one training event (first) and NEGATIVES items drawn uniformly from those that its user never touched.
Under a logit, weights fitted on uniformly drawn alternatives are consistent for the whole catalogue (McFadden 1978).
Repeated purchases are left out, since pages never offer an item twice.
"""

from dataclasses import dataclass

import numpy as np

from seeds.interactions import Float32, Int64, Interactions
from simulator.catalogue import Catalogue
from simulator.features import ChoiceSets, compute_features

NEGATIVES = 20
FIRST_POSITION = 3  # earlier events of a user have too short a history before them
EVENTS_PER_USER = 40  # the newest choices of each user are kept
EVENTS = 12_000  # choices in all, enough for so few weights; bounds the time on large logs


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """N choice sets of U users with F features.

    features: float32 (N, 1 + NEGATIVES, F), raw, the real choice first
    users: int64 (U,), ascending
    offsets: int64 (U + 1,); user u's choices are `features[offsets[u]:offsets[u + 1]]`, oldest first
    items: int64 (N,), the real choices
    """

    features: Float32
    users: Int64
    offsets: Int64
    items: Int64
    columns: tuple[str, ...]


def choose_panel(training: Interactions, asked: Int64, rng: np.random.Generator) -> Int64:
    """The asked users, and others at random until there are EVENTS choices: int64, ascending."""
    lengths = np.diff(training.offsets)
    usable = np.clip(lengths - FIRST_POSITION, 0, EVENTS_PER_USER)
    others = rng.permutation(np.setdiff1d(np.flatnonzero(usable > 0), asked))
    order = np.concatenate([asked[usable[asked] > 0], others])
    enough = int(np.searchsorted(np.cumsum(usable[order]), EVENTS, side="right")) + 1
    return np.sort(order[: max(enough, len(asked))])


def build_panel(
    training: Interactions,
    catalogue: Catalogue,
    *,
    users: Int64,
    columns: tuple[str, ...],
    rng: np.random.Generator,
) -> Panel:
    """Draw the choice sets of `users` and compute the features of every alternative."""
    parts, items, numbers = [], [], []
    for user in users:
        sets = _choice_sets(training, int(user), rng)
        parts.append(compute_features(catalogue, sets, columns))
        items.append(sets.candidates[:, 0])
        numbers.append(len(sets.cutoffs))
    empty = np.zeros((0, 1 + NEGATIVES, len(columns)), dtype=np.float32)
    return Panel(
        features=np.concatenate([empty, *parts]),
        users=users,
        offsets=np.concatenate([[0], np.cumsum(numbers, dtype=np.int64)]),
        items=np.concatenate([np.zeros(0, dtype=np.int64), *items]),
        columns=columns,
    )


def untouched_items(history: Int64, n_items: int) -> Int64:
    """Items that do not occur in `history`, ascending: int64."""
    free = np.ones(n_items + 1, dtype=bool)
    free[0] = False
    free[history] = False
    return np.flatnonzero(free)


def _choice_sets(training: Interactions, user: int, rng: np.random.Generator) -> ChoiceSets:
    start, stop = int(training.offsets[user]), int(training.offsets[user + 1])
    history = training.items[start:stop]
    first = np.zeros(len(history), dtype=bool)
    first[np.unique(history, return_index=True)[1]] = True
    first[:FIRST_POSITION] = False
    free = untouched_items(history, training.n_items)
    positions = np.flatnonzero(first)[-EVENTS_PER_USER:] if len(free) else np.zeros(0, dtype=np.int64)
    left = free[rng.integers(max(len(free), 1), size=(len(positions), NEGATIVES))]
    candidates = np.concatenate([history[positions][:, None], left], axis=1)
    own = np.zeros(candidates.shape, dtype=bool)
    own[:, 0] = True
    ratings = None if training.ratings is None else training.ratings[start:stop]
    return ChoiceSets(history=history, ratings=ratings, cutoffs=positions, candidates=candidates, own=own)
