"""Many users at one moment each see items as each of them alone does."""

import numpy as np
import pytest

from simulator.catalogue import build_catalogue, with_pairs
from simulator.crowd import Crowd
from simulator.features import ChoiceSets, available_columns, compute_features
from simulator.together import count_together


@pytest.fixture
def catalogue(corner):
    return with_pairs(build_catalogue(corner.training), corner.training)


def test_a_crowd_has_the_features_of_its_users_one_by_one(corner, catalogue):
    rng, columns = np.random.default_rng(3), available_columns(catalogue)
    assert {"together", "price_fit", "store", "variety", "next_item", "quality"} <= {*columns}
    histories = [corner.questions.history(row)[: 9 - row % 9] for row in range(9)]
    histories.append(np.zeros(0, dtype=np.int64))  # a user of whom nothing is known
    candidates = rng.integers(1, corner.training.n_items + 1, size=(len(histories), 6))
    together = compute_features(catalogue, Crowd.of(histories, candidates), columns)
    for row, history in enumerate(histories):
        alone = ChoiceSets(
            history=history,
            ratings=None,
            cutoffs=np.array([len(history)]),
            candidates=candidates[row : row + 1],
            own=np.zeros((1, 6), dtype=bool),
        )
        if len(history):
            assert together[row] == pytest.approx(compute_features(catalogue, alone, columns)[0], abs=1e-5)
    assert np.isfinite(together).all()


def test_pairs_are_counted_alike_in_a_table_and_in_sorted_pairs_and_once_per_user(corner):
    table, pairs = (count_together(corner.training, dense_items=most) for most in (10_000, 0))
    one, other = np.meshgrid(*[np.arange(corner.training.n_items + 1)] * 2)
    assert table.table.size and not pairs.table.size
    assert (table.count(one, other) == pairs.count(one, other)).all()
    has = np.zeros((corner.training.n_users + 1, corner.training.n_items + 1), dtype=int)
    has[corner.training.users, corner.training.items] = 1
    assert (table.count(one, other) == (has.T @ has)[one, other]).all()
    assert (table.users == has.sum(axis=0)).all()


def test_a_users_own_event_is_no_evidence_that_people_like_him_take_the_item(corner, catalogue):
    """With the event left out of the counts, its feature is that of a log in which the user never took the item."""
    training, columns = corner.training, ("together",)
    user, moment = 5, 6
    history = training.history(user)
    sets = ChoiceSets(
        history=history,
        ratings=None,
        cutoffs=np.array([moment]),
        candidates=history[moment][None, None],
        own=np.ones((1, 1), dtype=bool),
    )
    without = np.ones(training.n_events, dtype=bool)
    without[training.offsets[user] + moment] = False
    other = catalogue.together
    assert other is not None
    has = np.zeros((training.n_users + 1, training.n_items + 1))
    has[training.users[without], training.items[without]] = 1
    pairs = has.T @ has
    before = history[:moment]
    item = int(history[moment])
    # The chooser has the items before, and not this one: neither his pairs nor he himself among their owners count.
    count, total = pairs[before, item].sum(), (has[:, before].sum(axis=0) - 1).sum()
    share = (has[:, item].sum() + 0.5) / (training.n_users + 1)
    expected = np.log((count + 10.0 * share) / ((total + 10.0) * share))
    assert compute_features(catalogue, sets, columns)[0, 0, 0] == pytest.approx(expected, abs=1e-5)
