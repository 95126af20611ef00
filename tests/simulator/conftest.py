"""The built-in shop as simulated users meet it: training events, questions, and pages of known makes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from seeds.interactions import Interactions, Questions
from seeds.shop.making import Truth, make
from seeds.split import LeaveLastTwoOut, split
from simulator.population import Population, build_population


@dataclass(frozen=True, kw_only=True, eq=False)
class Market:
    training: Interactions
    questions: Questions
    truth: Truth

    def pages(self, score: Callable[[np.ndarray], np.ndarray]) -> NDArray[np.int32]:
        """Ten unseen items per question, best by score(history), which is float (n_items + 1,)."""
        top = np.zeros((len(self.questions), 10), dtype=np.int32)
        for q in range(len(self.questions)):
            values = score(self.questions.history(q)).astype(float)
            values[[0, *self.questions.history(q)]] = -np.inf
            top[q] = np.argsort(-values, kind="stable")[:10]
        return top


def _open(size: str) -> Market:
    shop = make(size)
    divided = split(shop.interactions, LeaveLastTwoOut())
    return Market(training=divided.training, questions=divided.validation, truth=shop.truth)


@pytest.fixture(scope="session")
def market() -> Market:
    return _open("micro")


@pytest.fixture(scope="session")
def demo_market() -> Market:
    return _open("demo")


@pytest.fixture(scope="session")
def population(market: Market) -> Population:
    return build_population(market.training, market.questions, n_users=100, seed=0)


@pytest.fixture(scope="session")
def popularity(market: Market) -> np.ndarray:
    return np.bincount(market.training.items, minlength=market.training.n_items + 1)


@pytest.fixture(scope="session")
def popular_pages(market: Market, popularity: np.ndarray) -> NDArray[np.int32]:
    return market.pages(lambda history: popularity)


@pytest.fixture(scope="session")
def random_pages(market: Market) -> NDArray[np.int32]:
    rng = np.random.default_rng(7)
    return market.pages(lambda history: rng.random(market.training.n_items + 1))


@pytest.fixture(scope="session")
def following_pages(market: Market, popularity: np.ndarray) -> NDArray[np.int32]:
    """First-order Markov: what most often came right after the last item."""
    training = market.training
    after = np.zeros((training.n_items + 1, training.n_items + 1))
    same = training.users[1:] == training.users[:-1]
    np.add.at(after, (training.items[:-1][same], training.items[1:][same]), 1)
    return market.pages(lambda history: after[history[-1]] + popularity / popularity.sum())
