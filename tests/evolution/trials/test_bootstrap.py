"""Intervals: right on average, narrower with more users, paired where users are the same."""

import numpy as np
import pytest

from evolution.trials.bootstrap import (
    mean_interval,
    mean_intervals,
    paired_interval,
    pooled_paired_interval,
    resampled_means,
)


def bounds(values, seed):
    metric = mean_interval(values, seed)
    assert metric.low is not None and metric.high is not None
    return metric.low, metric.high


def test_the_interval_agrees_with_the_normal_one_for_many_users():
    values = np.random.default_rng(0).normal(3.0, 2.0, size=4000)
    metric = mean_interval(values, seed=1)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert metric.value == pytest.approx(values.mean())
    assert metric.low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert metric.high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_the_interval_covers_the_truth_about_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    covered = [
        low <= 0.3 <= high
        for low, high in (bounds((rng.random(200) < 0.3).astype(float), seed) for seed in range(200))
    ]
    assert 0.90 <= np.mean(covered) <= 0.985


def test_pairing_sees_a_small_gain_that_two_intervals_do_not():
    rng = np.random.default_rng(0)
    before = rng.random(500)
    after = before + 0.01 + rng.normal(0, 0.02, 500)
    assert paired_interval(after, before, seed=0).low > 0
    assert bounds(after, 0)[0] < bounds(before, 0)[1]


def test_pooling_takes_each_users_mean_over_the_seeds():
    ones, zeros, twos = np.ones(10), np.zeros(10), np.full(10, 2.0)
    metric = pooled_paired_interval([ones, twos], [zeros], seed=0)
    assert (metric.value, metric.low, metric.high) == (1.5, 1.5, 1.5)


def test_gains_and_losses_that_cancel_out_are_no_gain_at_all():
    """In floats .3 - .1 - .2 is not 0, and its last digit must not make a verified gain."""
    metric = mean_interval(np.array([0.3, -0.1, -0.2] * 400), seed=0)
    assert metric.value == 0
    everybody = paired_interval(np.full(300, 0.1 + 0.2), np.full(300, 0.3), seed=0)
    assert (everybody.value, everybody.low, everybody.high) == (0, 0, 0)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).random(300)
    assert mean_interval(values, 5) == mean_interval(values, 5)
    assert mean_interval(values, 5) != mean_interval(values, 6)


def test_metrics_of_the_same_users_share_their_resamples():
    values = np.random.default_rng(0).random(300)
    both = mean_intervals({"a": values, "b": 2 * values}, seed=0)
    assert both["a"].low is not None
    assert both["b"].low == pytest.approx(2 * both["a"].low)


def test_every_resample_has_as_many_users_as_there_are():
    assert np.allclose(resampled_means(np.ones((37, 2)), seed=0), 1.0)


@pytest.mark.parametrize("values", [np.array([]), np.zeros((0,))])
def test_no_users_no_interval(values):
    with pytest.raises(ValueError, match="no users"):
        mean_interval(values, 0)


def test_trials_of_different_questions_cannot_be_compared():
    with pytest.raises(ValueError, match="different questions"):
        paired_interval(np.ones(3), np.ones(4), 0)
