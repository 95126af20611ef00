"""The worker's lists are those of `seeds.metrics.top_lists`, in numpy and in torch, ties included."""

import sys

import numpy as np
import pytest
import torch

from evolution.worker.guest.failures import ContractBroken, NotFinite
from evolution.worker.guest.ranking import checked_scores, top_unseen
from seeds.metrics import top_lists

ROWS, N_ITEMS, K = 40, 300, 20


@pytest.fixture(params=["numpy", "torch"])
def rank(request, monkeypatch):
    """Rank by the path taken where torch is loaded, and by the other."""
    if request.param == "numpy":
        monkeypatch.delitem(sys.modules, "torch")
        return top_unseen
    return lambda scores, *rest: top_unseen(torch.from_numpy(scores), *rest)


def questions(scores, seen_share=0.2):
    seen = np.random.default_rng(1).random(scores.shape) < seen_share
    seen[:, 0] = False
    return seen, np.nonzero(seen), np.arange(len(scores))


def test_without_ties_the_lists_are_the_reference_ones(rank):
    scores = np.random.default_rng(0).normal(size=(ROWS, N_ITEMS + 1)).astype(np.float32)
    seen, pairs, rows = questions(scores)
    items, values, ties = rank(scores, pairs, K, rows)
    expected = top_lists(scores, seen, K)
    np.testing.assert_array_equal(items, expected.items)
    np.testing.assert_array_equal(values, expected.scores)
    np.testing.assert_array_equal(ties, expected.ties)


def test_with_ties_scores_and_counts_agree_and_the_choice_is_a_different_one_per_row(rank):
    scores = np.random.default_rng(0).integers(0, 4, size=(ROWS, N_ITEMS + 1)).astype(np.float32)
    seen, pairs, rows = questions(scores)
    items, values, ties = rank(scores, pairs, K, rows)
    expected = top_lists(scores, seen, K)
    np.testing.assert_array_equal(values, expected.scores)
    np.testing.assert_array_equal(ties, expected.ties)
    assert all(len(set(row)) == K for row in items)
    assert not seen[np.arange(ROWS)[:, None], items].any()
    again, _, _ = rank(scores, pairs, K, rows)
    np.testing.assert_array_equal(items, again)
    constant, _, _ = rank(np.ones_like(scores), pairs, K, rows)
    assert len(set(map(tuple, constant))) == ROWS
    assert 0.3 < constant.mean() / N_ITEMS < 0.7  # not the first ids, not the last


def test_which_tied_items_are_listed_is_a_matter_of_chance(rank):
    """A constant scorer over n items hits a target in K / n of many questions."""
    n = 5000
    scores = np.ones((n, 101), np.float32)
    items, _, _ = rank(scores, (np.zeros(0, np.int64), np.zeros(0, np.int64)), 10, np.arange(n))
    hits = (items == 37).any(axis=1).mean()
    assert hits == pytest.approx(0.1, abs=0.02)


def test_short_lists_are_filled_with_zero_and_minus_infinity(rank):
    scores = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)
    seen = (np.array([0, 0, 0, 1]), np.array([1, 2, 3, 5]))
    items, values, ties = rank(scores, seen, 10, np.arange(2))
    assert items.shape == values.shape == (2, 10)
    assert set(items[0]) == {0, 4, 5}
    assert np.isneginf(values[0, 2:]).all()
    assert ties.tolist() == [[0, 0], [0, 0]]


def test_the_candidates_own_array_is_left_as_it_was(rank):
    scores = np.random.default_rng(0).normal(size=(ROWS, N_ITEMS + 1)).astype(np.float32)
    before = scores.copy()
    _, pairs, rows = questions(scores)
    rank(scores, pairs, K, rows)
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(rank, value):
    scores = np.zeros((ROWS, N_ITEMS + 1), np.float32)
    scores[3, 5] = value
    with pytest.raises(NotFinite):
        rank(scores, (np.zeros(0, np.int64), np.zeros(0, np.int64)), K, np.arange(ROWS))


def test_a_score_for_each_item_and_one_for_padding():
    with pytest.raises(ContractBroken, match=r"expected \(2, 6\)"):
        checked_scores(np.zeros((2, 5)), 2, 5)
