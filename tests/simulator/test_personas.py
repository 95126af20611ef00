"""Personas by the cuts of the paper, honest about what the data cannot tell, sampled over all kinds."""

from collections import Counter
from dataclasses import replace

import numpy as np

from simulator.personas import Level, build_personas, sample_personas


def test_activity_is_cut_at_the_60th_and_90th_percentile(market):
    personas = build_personas(market.training)
    events = np.diff(market.training.offsets)
    low, high = np.percentile(events[1:], [60, 90])
    for persona in personas:
        number = events[persona.user]
        expected = Level.LOW if number <= low else Level.MIDDLE if number <= high else Level.HIGH
        assert persona.activity == expected


def test_a_conformist_rates_like_the_average(market):
    training = market.training
    ratings = np.asarray(training.ratings, dtype=np.float64)
    mean = np.bincount(training.items, ratings) / np.maximum(np.bincount(training.items), 1)
    squared = (ratings - mean[training.items]) ** 2
    distance = {p.user: squared[training.users == p.user].mean() for p in build_personas(training)}
    by_level = {
        level: [distance[p.user] for p in build_personas(training) if p.conformity == level]
        for level in (Level.HIGH, Level.MIDDLE, Level.LOW)
    }
    assert max(by_level[Level.HIGH]) <= min(by_level[Level.MIDDLE])
    assert max(by_level[Level.MIDDLE]) <= min(by_level[Level.LOW])
    assert len(by_level[Level.HIGH]) / len(distance) == np.clip(
        len(by_level[Level.HIGH]) / len(distance), 0.24, 0.27
    )


def test_an_absent_trait_is_unknown_and_said_to_be(market):
    size = market.training.n_items + 1
    columns = replace(market.training.item_columns, categories=((),) * size)
    persona = build_personas(replace(market.training, ratings=None, item_columns=columns))[0]
    assert persona.conformity is Level.UNKNOWN
    assert persona.diversity is Level.UNKNOWN
    assert "no categories in the data" in persona.description
    assert "no ratings in the data" in persona.description


def test_every_cell_is_asked_in_proportion(market):
    personas = build_personas(market.training)
    asked = sample_personas(personas, 100, np.random.default_rng(0))
    everyone, sample = Counter(p.cell for p in personas), Counter(p.cell for p in asked)
    assert len(asked) == len({p.user for p in asked}) == 100
    assert set(sample) == set(everyone)
    assert all(
        abs(sample[cell] - 100 * everyone[cell] / len(personas)) < 2 or sample[cell] == 1 for cell in everyone
    )


def test_more_users_than_there_are_asks_all(market):
    personas = build_personas(market.training)
    assert sample_personas(personas, 10_000, np.random.default_rng(0)) == personas


def test_fewer_places_than_cells_are_all_given(market):
    personas = build_personas(market.training)
    assert len(sample_personas(personas, 5, np.random.default_rng(0))) == 5
