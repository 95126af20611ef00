"""A child is compared with its parent over the same users and seeds; guardrails are kept or named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evolution.domain.objective import parse_expression
from evolution.domain.trial import Cost, EpochRecord, Metric
from evolution.laboratory.paired_comparison import broken_guardrails, metric_effect, objective_effect
from tests.evolution.laboratory.stored import trial

OBJECTIVE = parse_expression("HR@5")


def test_pairing_sees_a_small_gain_that_separate_intervals_would_miss(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    before = rng.random(400)
    parent, child = trial(tmp_path, "parent", before), trial(tmp_path, "child", before + 0.01)
    effect = objective_effect(tmp_path, OBJECTIVE, [(parent, child)])
    assert effect.low > 0.009
    assert effect.after - effect.before == pytest.approx(0.01)


def test_noise_of_no_gain_holds_zero(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    pairs = [
        (trial(tmp_path, f"p{s}", rng.random(400)), trial(tmp_path, f"c{s}", rng.random(400)))
        for s in range(2)
    ]
    effect = objective_effect(tmp_path, OBJECTIVE, pairs)
    assert effect.low < 0 < effect.high


def test_a_metric_that_is_not_of_single_users_has_no_effect(tmp_path: Path) -> None:
    pair = (trial(tmp_path, "p", np.ones(3)), trial(tmp_path, "c", np.ones(3)))
    assert metric_effect(tmp_path, "coverage@10", [pair]) is None


def test_cost_is_running_time_per_epoch_whatever_the_number_of_epochs(tmp_path: Path) -> None:
    epochs = tuple(EpochRecord(epoch=n, wall_s=1.0, reported={}, metrics={}) for n in range(1, 11))
    parent = trial(tmp_path, "p", np.ones(3), epochs=epochs[:5], cost=Cost(fit_s=99.0, fit_cpu_s=5.0))
    longer = trial(tmp_path, "c", np.ones(3), epochs=epochs, cost=Cost(fit_s=99.0, fit_cpu_s=19.0))
    slower = replace(longer, cost=Cost(fit_s=1.0, fit_cpu_s=21.0))
    assert broken_guardrails(["cost <= 2 * parent"], [(parent, longer)]) == []
    (words,) = broken_guardrails(["cost <= 2 * parent"], [(parent, slower)])
    assert "cost is 2.1, the parent's 1" in words


@pytest.mark.parametrize(
    ("where", "broken"),
    [
        ({}, False),
        ({"score_cpu_s": 19.0, "score_s": 99.0}, False),  # twice as slow to score
        ({"score_cpu_s": 100.0}, True),
        ({"other_cpu_s": 50.0}, True),
        ({"other_cpu_s": 8.0, "other_s": 99.0}, False),
        ({"score_cpu_s": 100.0, "rankings": 60.0}, False),  # more epochs
    ],
)
def test_training_outside_of_fit_is_cost_too(tmp_path: Path, where: dict[str, float], broken: bool) -> None:
    epochs = (EpochRecord(epoch=1, wall_s=1.0, reported={}, metrics={}),)
    cost = Cost(fit_cpu_s=5.0, score_cpu_s=9.0, other_cpu_s=4.0, rankings=6.0)
    parent = trial(tmp_path, "p", np.ones(3), epochs=epochs, cost=cost)
    child = replace(parent, cost=replace(cost, fit_cpu_s=0.0, **where))
    said = broken_guardrails(["cost <= 2 * parent"], [(parent, child)])
    assert bool(said) is broken
    assert not broken or "outside of fit()" in said[0]
    earlier = replace(parent, cost=replace(cost, rankings=0.0))  # of a version that did not measure it
    assert broken_guardrails(["cost <= 2 * parent"], [(earlier, child)]) == []


def test_a_guardrail_on_coverage_names_both_values(tmp_path: Path) -> None:
    half = {"coverage@10": Metric(value=0.5, low=None, high=None)}
    tenth = {"coverage@10": Metric(value=0.1, low=None, high=None)}
    pair = (trial(tmp_path, "p", np.ones(3), metrics=half), trial(tmp_path, "c", np.ones(3), metrics=tenth))
    (words,) = broken_guardrails(["coverage@10 >= 0.2"], [pair])
    assert "0.1" in words and "0.5" in words
