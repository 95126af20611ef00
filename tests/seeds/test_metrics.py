"""Metrics against plain enumeration, golden values, and what a constant scorer must get."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seeds.interactions import Questions
from seeds.metrics import CUTOFFS, list_metrics, sampled_metrics, seen_mask, top_lists, user_metrics
from seeds.metrics.lists import gini
from seeds.split import Split

N_ITEMS = 6
GAINS = {
    "HR": lambda rank: 1.0,
    "NDCG": lambda rank: 1 / math.log2(rank + 2),
    "MRR": lambda rank: 1 / (rank + 1),
    "Recall": lambda rank: 1.0,
}


def enumerated(scores: list[int], seen: set[int], target: int, name: str, k: int) -> float:
    """The mean gain over every order of the unseen items that agrees with the scores."""
    unseen = [item for item in range(1, N_ITEMS + 1) if item not in seen]
    gains = []
    for order in itertools.permutations(unseen):
        values = [scores[item] for item in order]
        if values == sorted(values, reverse=True):
            rank = order.index(target) if target in order else k
            gains.append(GAINS[name](rank) if rank < k else 0.0)
    return sum(gains) / len(gains)


def measure(scores: list[int], seen: set[int], target: int, k: int, seed: int) -> dict[str, float]:
    mask = np.array([[item in seen for item in range(N_ITEMS + 1)]])
    top = top_lists(np.array([scores], np.float32), mask, k, seed=seed)
    metrics = user_metrics(top.items, top.scores, top.ties, np.array([target]))
    return {name: float(values[0]) for name, values in metrics.items()}


SCORES = st.lists(st.integers(0, 2), min_size=N_ITEMS + 1, max_size=N_ITEMS + 1)


@settings(deadline=None, max_examples=40)
@given(scores=SCORES, seen=st.sets(st.integers(1, N_ITEMS), max_size=3), target=st.integers(1, N_ITEMS))
def test_metrics_of_whole_lists_are_the_mean_over_all_orders_of_ties(
    scores: list[int], seen: set[int], target: int
) -> None:
    metrics = measure(scores, seen, target, N_ITEMS, seed=0)
    for name in GAINS:
        for k in (1, 5):
            assert metrics[f"{name}@{k}"] == pytest.approx(enumerated(scores, seen, target, name, k))


@settings(deadline=None, max_examples=15)
@given(scores=SCORES, target=st.integers(1, N_ITEMS))
def test_metrics_of_cut_lists_are_unbiased(scores: list[int], target: int) -> None:
    """A list that ends within a tie holds a random part of it: the mean over many such lists is exact."""
    draws = 400
    many = top_lists(
        np.tile(np.array(scores, np.float32), (draws, 1)), np.zeros((draws, N_ITEMS + 1), bool), k=5, seed=1
    )
    metrics = user_metrics(many.items, many.scores, many.ties, np.full(draws, target))
    for name in ("HR", "NDCG", "MRR"):
        values = metrics[f"{name}@5"]
        margin = 4.5 * values.std() / math.sqrt(draws) + 1e-9
        assert values.mean() == pytest.approx(enumerated(scores, set(), target, name, 5), abs=margin)


def test_a_constant_scorer_hits_k_of_n() -> None:
    n_users, n_items = 4_000, 300
    targets = np.random.default_rng(0).integers(1, n_items + 1, n_users)
    nobody = np.zeros((n_users, n_items + 1), bool)
    top = top_lists(np.zeros((n_users, n_items + 1), np.float32), nobody)
    assert (top.ties == [100, n_items]).all()
    metrics = user_metrics(top.items, top.scores, top.ties, targets)
    for k in CUTOFFS:
        assert metrics[f"HR@{k}"].mean() == pytest.approx(k / n_items, rel=0.1)


def test_golden_values() -> None:
    items = np.array([[3, 1, 2], [3, 1, 2], [3, 1, 2]], np.int32)
    scores = np.array([[9, 8, 7]] * 3, np.float32)
    metrics = user_metrics(items, scores, np.array([[1, 1]] * 3), np.array([3, 2, 5]))
    assert metrics["HR@1"].tolist() == [1, 0, 0]
    assert metrics["HR@5"].tolist() == metrics["Recall@5"].tolist() == [1, 1, 0]
    assert metrics["NDCG@5"].tolist() == pytest.approx([1, 0.5, 0])
    assert metrics["MRR@10"].tolist() == pytest.approx([1, 1 / 3, 0])


def test_filling_zeros_are_nobodys_target() -> None:
    metrics = user_metrics(
        np.array([[2, 0]], np.int32), np.array([[1, -np.inf]], np.float32), np.array([[0, 0]]), np.array([0])
    )
    assert metrics["HR@50"].tolist() == [0]


def test_seen_items_and_padding_are_never_listed() -> None:
    scores = np.array([[99, 5, 4, 3, 2, 1]], np.float32)
    seen = seen_mask(np.array([1, 3]), np.array([0, 2]), n_items=5)
    top = top_lists(scores, seen, k=4)
    assert top.items.tolist() == [[2, 4, 5, 0]]
    assert top.scores.tolist() == [[4, 2, 1, -np.inf]]


def test_a_tie_at_the_cut_is_chosen_at_random_and_the_same_again() -> None:
    scores = np.ones((200, 51), np.float32)
    nobody = np.zeros(scores.shape, bool)
    top = top_lists(scores, nobody, k=5, seed=3)
    assert np.unique(top.items).size == 50, "not the lowest ids"
    assert np.array_equal(top.items, top_lists(scores, nobody, k=5, seed=3).items)


@pytest.mark.parametrize("ties_first", [False, True])
def test_lists_do_not_hang_on_the_order_in_which_a_processor_leaves_ties(
    monkeypatch: pytest.MonkeyPatch, ties_first: bool
) -> None:
    scores = np.random.default_rng(0).integers(0, 4, (50, 40)).astype(np.float32)
    nobody = np.zeros(scores.shape, bool)
    here = top_lists(scores, nobody, k=10)

    def another(values: NDArray[np.float32], kth: int, axis: int) -> NDArray[np.int64]:
        tie_break = np.arange(values.shape[1]) * (-1 if ties_first else 1)
        return np.lexsort((np.broadcast_to(tie_break, values.shape), values), axis=axis)

    monkeypatch.setattr(np, "argpartition", another)
    there = top_lists(scores, nobody, k=10)
    assert np.array_equal(here.items, there.items) and np.array_equal(here.ties, there.ties)


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        top_lists(np.array([[0, 1, np.nan]]), np.zeros((1, 3), bool))


@given(counts=st.lists(st.integers(0, 20), min_size=1, max_size=12))
def test_gini_is_the_mean_absolute_difference(counts: list[int]) -> None:
    values = np.array(counts)
    differences = np.abs(values[:, None] - values[None]).mean()
    expected = differences / (2 * values.mean()) if values.any() else 0.0
    assert gini(values) == pytest.approx(expected)


def test_lists_of_one_item_and_lists_of_all(micro_split: Split) -> None:
    training = micro_split.training
    same = list_metrics(np.tile(np.arange(1, 51), (20, 1)), training)
    assert same["coverage@10"] == pytest.approx(10 / training.n_items)
    rng = np.random.default_rng(0)
    wide: NDArray[np.int64] = np.stack([rng.permutation(training.n_items)[:50] + 1 for _ in range(500)])
    varied = list_metrics(wide, training)
    assert varied["coverage@10"] == 1.0 and varied["gini@10"] < 0.15 < same["gini@10"]
    counts = np.bincount(training.items, minlength=training.n_items + 1)
    best = np.argsort(-counts)[None, :50]
    assert list_metrics(best, training)["novelty@10"] < varied["novelty@10"]


def test_diversity_is_the_share_of_pairs_of_different_categories(micro_split: Split) -> None:
    training = micro_split.training
    broadest = np.array([path[0] if path else "" for path in training.item_columns.categories])
    books = np.flatnonzero(broadest == "Books")[:5]
    other = np.flatnonzero((broadest != "Books") & (broadest != ""))[:1]
    lists = np.stack([books, np.concatenate((books[:4], other))])
    assert list_metrics(lists, training)["diversity@5"] == pytest.approx((0 + 4 / 10) / 2)


def test_sampled_metrics_rank_the_target_among_unseen_items(micro_split: Split) -> None:
    questions, training = micro_split.validation, micro_split.training
    rows = np.arange(0, len(questions), 3)
    perfect = np.zeros((len(rows), training.n_items + 1), np.float32)
    perfect[np.arange(len(rows)), questions.targets[rows]] = 1
    metrics = sampled_metrics(perfect, rows, questions, training)
    assert (metrics["HR@1"] == 1).all() and (metrics["NDCG@10"] == 1).all()
    constant = sampled_metrics(np.zeros_like(perfect), rows, questions, training)
    assert constant["HR@10"] == pytest.approx(np.full(len(rows), 10 / 100))


def test_a_users_negatives_do_not_depend_on_who_else_is_measured(micro_split: Split) -> None:
    questions, training = micro_split.validation, micro_split.training
    scores = np.random.default_rng(0).normal(size=(len(questions), training.n_items + 1)).astype(np.float32)
    rows = np.arange(len(questions))
    everyone = sampled_metrics(scores, rows, questions, training, n_negatives=20)
    some = sampled_metrics(scores[5:9], rows[5:9], questions, training, n_negatives=20)
    assert np.array_equal(everyone["NDCG@10"][5:9], some["NDCG@10"])
    other = sampled_metrics(scores, rows, questions, training, n_negatives=20, seed=1)
    assert not np.array_equal(everyone["NDCG@10"], other["NDCG@10"])


def test_few_unseen_items_are_all_taken(micro_split: Split) -> None:
    questions, training = micro_split.validation, micro_split.training
    only = Questions(
        users=questions.users[:1],
        items=np.arange(1, training.n_items - 3),
        offsets=np.array([0, training.n_items - 4]),
        targets=np.array([training.n_items]),
    )
    metrics = sampled_metrics(np.zeros((1, training.n_items + 1)), np.array([0]), only, training)
    unseen = set(range(training.n_items - 3, training.n_items + 1)) - set(
        training.history(int(only.users[0])).tolist()
    )
    assert metrics["HR@1"][0] == pytest.approx(1 / len(unseen | {training.n_items}))
