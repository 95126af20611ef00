"""The choice model finds why users choose, and never counts an event as evidence for itself."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.catalogue import build_catalogue
from simulator.choice import fit_choice_model
from simulator.features import ChoiceSets, available_columns, compute_features
from simulator.panel import Panel, build_panel
from simulator.population import build_population
from simulator.transitions import count_transitions
from simulator.viewpoint import describe

pytestmark = pytest.mark.slow

COLUMN_OF_DRIVER = {
    "taste": "category_labels",
    "price_sensitivity": "cheapness",
    "conformity": "popularity",
    "variety": "variety",
    "loyalty": "store",
}


def made_up_panel(personal: np.ndarray, n_choices: int, seed: int) -> Panel:
    """Choices of users with known weights (U, F) among 21 random alternatives."""
    rng = np.random.default_rng(seed)
    n_users, n_columns = personal.shape
    features = rng.normal(size=(n_users, n_choices, 21, n_columns))
    utility = np.einsum("unjf,uf->unj", features, personal) + rng.gumbel(size=features.shape[:3])
    chosen = utility.argmax(axis=2)
    order = np.argsort(np.arange(21) != chosen[..., None], axis=2, kind="stable")  # the chosen one first
    features = np.take_along_axis(features, order[..., None], axis=2).reshape(-1, 21, n_columns)
    return Panel(
        features=features.astype(np.float32),
        users=np.arange(1, n_users + 1),
        offsets=np.arange(n_users + 1) * n_choices,
        items=np.ones(n_users * n_choices, dtype=np.int64),
        columns=tuple("abc"[:n_columns]),
    )


def test_common_and_personal_weights_and_their_spread_are_recovered():
    truth = np.array([1.0, 0.0, -0.5]) + np.random.default_rng(0).normal(size=(300, 3)) * [0.6, 0.05, 0.3]
    model = fit_choice_model(made_up_panel(truth, n_choices=25, seed=1))
    assert model.weights == pytest.approx(truth.mean(axis=0), abs=0.08)
    assert np.corrcoef(truth[:, 0], model.user_weights[:, 0])[0, 1] > 0.75
    assert model.spread[0] == pytest.approx(0.6, abs=0.15)
    assert model.spread[1] < 0.15  # users who do not differ are not told apart


def test_a_user_with_few_choices_stays_near_the_others():
    truth = np.full((60, 1), 1.0)
    panel = made_up_panel(truth, n_choices=20, seed=2)
    model = fit_choice_model(panel)
    assert np.abs(model.user_weights - model.weights).max() < 0.5
    assert (model.weights_of(999) == model.weights).all()


@pytest.mark.parametrize("driver", COLUMN_OF_DRIVER)
def test_true_drivers_of_the_shop_are_recovered(demo_drivers, driver):
    truth, model = demo_drivers
    strengths = truth.drivers[driver][model.users]
    correlation = {
        column: np.corrcoef(strengths, model.user_weights[:, model.columns.index(column)])[0, 1]
        for column in COLUMN_OF_DRIVER.values()
    }
    assert correlation[COLUMN_OF_DRIVER[driver]] > 0.2
    assert max(correlation, key=lambda column: correlation[column]) == COLUMN_OF_DRIVER[driver]


@pytest.fixture(scope="module")
def demo_drivers(demo_market):
    population = build_population(demo_market.training, demo_market.questions, n_users=200, seed=0)
    return demo_market.truth, population.model


def test_an_event_is_left_out_of_its_own_counts(market):
    """The features of a user's choices equal those computed from a log in which the event never happened."""
    training = market.training
    user = int(np.argmax(np.diff(training.offsets)))
    start, stop = training.offsets[user], training.offsets[user + 1]
    last = int(stop) - 1  # without a successor, so that removing it changes no other pair
    keep = np.arange(training.n_events) != last
    offsets = training.offsets.copy()
    offsets[user + 1 :] -= 1
    without = replace(
        training,
        users=training.users[keep],
        items=training.items[keep],
        timestamps=training.timestamps[keep],
        ratings=training.ratings[keep],
        offsets=offsets,
    )
    history = training.items[start:stop]
    cutoff = np.array([len(history) - 1])
    candidates = history[-1:][None]
    sets = ChoiceSets(
        history=history,
        ratings=training.ratings[start:stop],
        cutoffs=cutoff,
        candidates=candidates,
        own=np.ones((1, 1), dtype=bool),
    )
    columns = tuple(
        c for c in available_columns(build_catalogue(training)) if c in ("popularity", "next_item", "quality")
    )
    left_out = compute_features(build_catalogue(training), sets, columns)
    never = compute_features(
        build_catalogue(without), replace(sets, own=np.zeros((1, 1), dtype=bool)), columns
    )
    counted = compute_features(
        build_catalogue(training), replace(sets, own=np.zeros((1, 1), dtype=bool)), columns
    )
    assert left_out == pytest.approx(never, abs=2e-3)
    assert np.abs(counted - never).max() > 0.05


def test_followers_are_counted_within_a_user_with_decay():
    users, items = np.array([1, 1, 1, 2, 2]), np.array([1, 2, 3, 1, 2])
    transitions = count_transitions(users, items, 4)
    before, after = np.array([1, 1, 2, 3, 3]), np.array([2, 3, 3, 1, 2])
    assert transitions.weight(before, after).tolist() == [2.0, 0.5, 1.0, 0.0, 0.0]
    assert transitions.totals.tolist() == [0.0, 2.5, 1.0, 0.0]


def test_a_log_without_pairs_has_no_followers():
    transitions = count_transitions(np.array([1, 2]), np.array([1, 2]), 3)
    assert transitions.weight(np.array([1]), np.array([2])).tolist() == [0.0]


def test_nobody_to_learn_from_is_indifference(market):
    catalogue = build_catalogue(market.training)
    nobody = np.zeros(0, dtype=np.int64)
    columns = available_columns(catalogue)
    panel = build_panel(
        market.training, catalogue, users=nobody, columns=columns, rng=np.random.default_rng(0)
    )
    assert not fit_choice_model(panel).weights.any()


def test_an_item_and_a_category_without_training_events_can_be_shown(market):
    training = market.training
    columns = training.item_columns
    never = training.n_items + 1
    wider = replace(
        training,
        n_items=never,
        item_columns=replace(
            columns,
            title=(*columns.title, "New"),
            categories=(*columns.categories, ("Nowhere", "Else")),
            price=np.append(columns.price, np.float32(np.nan)),
            store=(*columns.store, "Nobody"),
        ),
        item_names=(*training.item_names, "new"),
    )
    catalogue = build_catalogue(wider)
    history = training.history(1)
    features = describe(catalogue, available_columns(catalogue), history, np.array([never]))
    assert np.isfinite(features).all()
