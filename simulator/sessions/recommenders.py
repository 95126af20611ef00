"""The recommenders that a trained model is held against in sessions: items at random, best-sellers, first-order Markov."""

from collections.abc import Mapping

import numpy as np

from seeds.interactions import Float32, Int64, Interactions, Questions
from seeds.references import Ranker, fit, rank
from simulator.sessions.draws import draws
from simulator.sessions.records import Ask

RANDOM, BASELINES = "random", ("markov", "popularity", "random")


class AtRandom:
    """A ranker with an order of its own for each user, that means nothing."""

    def __init__(self, n_items: int, seed: int) -> None:
        self._items, self._seed = np.arange(n_items + 1), seed

    def score(self, users: Int64, histories: Int64) -> Float32:
        """See `seeds.references.Ranker`."""
        return draws(self._seed, users[:, None], self._items[None]).astype(np.float32)


def baselines(training: Interactions, seed: int) -> Mapping[str, Ask]:
    """Each of BASELINES as sessions ask it."""
    random = AtRandom(training.n_items, seed + 1)  # other draws than those by which users take things
    rankers = {name: random if name == RANDOM else fit(name, training) for name in BASELINES}
    return {name: asking(ranker, training.n_items) for name, ranker in rankers.items()}


def asking(ranker: Ranker, n_items: int) -> Ask:
    """A ranker as sessions ask it."""

    def ask(page: int, questions: Questions) -> Int64:
        return rank(ranker, questions, n_items).items.astype(np.int64)

    return ask
