"""The reference rankers: by hand on small logs, and against published figures on real ones."""

from collections.abc import Callable

import numpy as np
import pytest

from seeds.interactions import Interactions, Questions
from seeds.loading import load
from seeds.metrics import user_metrics
from seeds.references import NAMES, fit, rank
from seeds.references.ranking import padded_histories
from seeds.split import LeaveLastTwoOut, Split, split

Build = Callable[..., Interactions]


def ndcg(name: str, parts: Split) -> float:
    top = rank(fit(name, parts.training), parts.test, parts.training.n_items)
    return float(user_metrics(top.items, top.scores, top.ties, parts.test.targets)["NDCG@10"].mean())


def test_popularity_counts_events(log_of: Build) -> None:
    log = log_of([(1, 1, 1), (1, 2, 2), (2, 2, 1), (3, 2, 1), (3, 3, 2)])
    scores = fit("popularity", log).score(np.array([1, 2]), np.array([[0, 1], [1, 2]]))
    assert scores[:, 1:].tolist() == [[1, 3, 1]] * 2


def test_markov_ranks_by_what_followed_then_by_popularity(log_of: Build) -> None:
    log = log_of(
        [
            (1, 1, 1),
            (1, 2, 2),
            (2, 1, 1),
            (2, 2, 2),
            (3, 1, 1),
            (3, 3, 2),
            (4, 4, 1),
            (4, 4, 2),
            (4, 4, 3),
            (4, 4, 4),
        ]
    )
    scores = fit("markov", log).score(np.array([1]), np.array([[4, 1]]))
    assert np.argsort(-scores[0, 1:]).tolist() == [1, 2, 3, 0]
    assert scores[0].sum() == pytest.approx(1)


def test_markov_does_not_link_one_user_to_the_next(log_of: Build) -> None:
    log = log_of([(1, 1, 1), (2, 2, 1), (2, 3, 2), (3, 3, 1)])
    scores = fit("markov", log).score(np.array([1]), np.array([[1]]))
    assert np.argmax(scores[0, 1:]) + 1 == 3, "nothing followed item 1, so the most popular comes first"


def test_ease_solves_its_own_equation(micro_split: Split) -> None:
    """Steck 2019, eq. 5: without its diagonal, B minimises the squared error; so a step away is worse."""
    training = micro_split.training
    events = np.zeros((training.n_users + 1, training.n_items + 1))
    events[training.users, training.items] = 1
    ranker = fit("ease", training)
    identity = np.diag(np.arange(training.n_items + 1))
    weights = ranker.score(np.arange(training.n_items + 1), identity)  # one row per item
    assert not weights.diagonal().any()
    gradient = events.T @ (events @ weights - events) + 300 * weights
    np.fill_diagonal(gradient, 0)
    assert np.abs(gradient).max() < 0.01


def test_unknown_rankers_and_too_many_items_are_errors(log_of: Build) -> None:
    log = log_of([(1, 1, 1), (1, 20_001, 2)])
    with pytest.raises(ValueError, match="popularity, markov, ease"):
        fit("knn", log)
    with pytest.raises(ValueError, match="at most 20000"):
        fit("ease", log)


def test_histories_are_padded_left_and_keep_the_newest() -> None:
    questions = Questions(
        users=np.array([1, 2]),
        items=np.array([5, 6, 7, 8, 9]),
        offsets=np.array([0, 4, 5]),
        targets=np.array([1, 1]),
    )
    assert padded_histories(questions, np.array([0, 1]), 10).tolist() == [[5, 6, 7, 8], [0, 0, 0, 9]]
    assert padded_histories(questions, np.array([0, 1]), 2).tolist() == [[7, 8], [0, 9]]
    assert padded_histories(questions, np.array([1]), 10).tolist() == [[9]]


@pytest.mark.parametrize("name", NAMES)
def test_lists_hold_unseen_items_even_beyond_the_given_history(name: str, micro_split: Split) -> None:
    questions = micro_split.test
    top = rank(fit(name, micro_split.training), questions, micro_split.training.n_items, max_history=2)
    for q in range(0, len(questions), 25):
        assert not set(top.items[q].tolist()) & set(questions.history(q).tolist())


@pytest.mark.parametrize(("name", "published"), [("popularity", 0.044), ("markov", 0.079), ("ease", 0.072)])
def test_figures_on_movielens_100k(data_folder: object, name: str, published: float) -> None:
    parts = split(load("ml-100k", root=data_folder), LeaveLastTwoOut())  # type: ignore[arg-type]
    assert parts.ties.share == pytest.approx(0.44, abs=0.005)
    assert ndcg(name, parts) == pytest.approx(published, abs=0.004)


def test_order_and_company_matter_in_the_demo_shop(demo_split: Split) -> None:
    popularity, markov, ease = (ndcg(name, demo_split) for name in ("popularity", "markov", "ease"))
    assert popularity < 0.6 * ease and popularity < 0.6 * markov
