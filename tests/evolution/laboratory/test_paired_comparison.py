"""A child is compared with its parent over the same users and seeds; guardrails are kept or named."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evolution.domain.objective import parse_expression
from evolution.domain.trial import Cost, EpochRecord, Metric, TrialStatus
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.paired_comparison import (
    Rivals,
    broken_guardrails,
    corrected_effect,
    metric_effect,
    objective_effect,
    pooled_objective,
)
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
    slower = replace(longer, cost=Cost(fit_s=1.0, fit_cpu_s=28.0))
    assert broken_guardrails(["cost <= 2 * parent"], [(parent, longer)]) == []
    (words,) = broken_guardrails(["cost <= 2 * parent"], [(parent, slower)])
    assert "2.8x slower, 95 % [2.1, 3.7] (limit 2x)" in words


def test_a_cost_that_a_busy_machine_may_have_made_is_not_held_against_a_patch(tmp_path: Path) -> None:
    epochs = (EpochRecord(epoch=1, wall_s=1.0, reported={}, metrics={}),)
    parent = trial(tmp_path, "p", np.ones(3), epochs=epochs, cost=Cost(fit_cpu_s=1.0, fit_s=1.0))
    child = replace(parent, cost=Cost(fit_cpu_s=2.5, fit_s=2.5))
    said = [broken_guardrails(["cost <= 2 * parent"], [(parent, child)] * seeds) for seeds in (1, 4)]
    assert [bool(words) for words in said] == [False, True]  # further seeds measure it more exactly
    on_gpu = [replace(one, key=replace(one.key, device="cuda")) for one in (parent, child)]
    assert broken_guardrails(["cost <= 2 * parent"], [(on_gpu[0], on_gpu[1])] * 2) == []
    (words,) = broken_guardrails(["cost <= 1.5"], [(parent, child)])
    assert "2.5x slower" in words and "limit cost <= 1.5" in words


@pytest.mark.parametrize(
    ("where", "broken"),
    [
        ({}, False),
        ({"score_cpu_s": 19.0, "score_s": 99.0}, False),  # twice as slow to score
        ({"score_cpu_s": 200.0}, True),
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
    assert ".100" in words and ".500" in words


def test_a_user_who_allows_the_cost_keeps_the_other_guardrails() -> None:
    stated = SimpleNamespace(expression="HR@5", guardrails=["cost <= 2 * parent", "coverage@10 >= 0.2"])
    config = SimpleNamespace(objective=stated, training=SimpleNamespace(seed=0))
    laboratory: Any = SimpleNamespace(context=None, config=config)
    assert CandidateEvaluation(laboratory).guardrails == stated.guardrails
    assert CandidateEvaluation(laboratory, allow_cost=True).guardrails == ["coverage@10 >= 0.2"]


def test_one_row_of_rivals_is_counted_once_and_what_was_never_ranked_not_at_all(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    parent = trial(tmp_path, "p", rng.random(200))
    child, other, pruned = (trial(tmp_path, name, rng.random(200)) for name in ("c", "o", "q"))
    failed = replace(pruned, id="f", status=TrialStatus.FAILED)
    pruned = replace(pruned, status=TrialStatus.PRUNED)
    rivals = Rivals(trials=(child, other, other, pruned, failed))
    found = corrected_effect(tmp_path, OBJECTIVE, [(parent, child)], rivals)
    assert found is not None and (found.candidates, found.rivals) == (3, ("o",))
    assert found.low < objective_effect(tmp_path, OBJECTIVE, [(parent, child)]).low
    alone = corrected_effect(tmp_path, OBJECTIVE, [(parent, child)], Rivals(trials=(child, failed)))
    assert alone is None


def test_the_objective_over_seeds_is_each_users_mean(tmp_path: Path) -> None:
    one, two = trial(tmp_path, "a", np.zeros(4)), trial(tmp_path, "b", np.array([0.0, 0, 1, 1]))
    assert pooled_objective(tmp_path, OBJECTIVE, [one, two]).value == 0.25
