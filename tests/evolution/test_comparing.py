"""A child is compared with its parent over the same users and seeds; guardrails are kept or named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evolution.base.places import trial_folder
from evolution.domain.objective import parse_expression
from evolution.domain.proposal import Effect, Verified
from evolution.domain.trial import Cost, EpochRecord, Metric, Trial, TrialKey, TrialStatus
from evolution.laboratory.acceptance import behind, verdict
from evolution.laboratory.paired_comparison import broken_guardrails, metric_effect, objective_effect
from evolution.trials.artifacts import artifacts_folder, write_per_user

OBJECTIVE = parse_expression("HR@5")


def trial(repo: Path, name: str, hits: np.ndarray, **changes: object) -> Trial:
    """A stored trial whose users have these HR@5."""
    key = TrialKey(program=name, data="d", training="t", seed=0, device="cpu/1", harness="h")
    folder = trial_folder(repo, name)
    folder.mkdir(parents=True)
    write_per_user(artifacts_folder(folder), {"HR@5": hits.astype(float)})
    made = Trial(id=name, key=key, status=TrialStatus.COMPLETE, created_at=0.0, wall_s=1.0)
    return replace(made, **changes)


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


def test_a_guardrail_on_coverage_names_both_values(tmp_path: Path) -> None:
    half = {"coverage@10": Metric(value=0.5, low=None, high=None)}
    tenth = {"coverage@10": Metric(value=0.1, low=None, high=None)}
    pair = (trial(tmp_path, "p", np.ones(3), metrics=half), trial(tmp_path, "c", np.ones(3), metrics=tenth))
    (words,) = broken_guardrails(["coverage@10 >= 0.2"], [pair])
    assert "0.1" in words and "0.5" in words


def effect(low: float, high: float, delta: float = 0.0) -> Effect:
    return Effect(metric="HR@5", before=0.2, after=0.2 + delta, low=low, high=high)


GAIN, LOSS = effect(0.01, 0.05, 0.03), effect(-0.05, -0.01, -0.03)


@pytest.mark.parametrize(
    ("pooled", "singles", "fixed", "broken", "verified"),
    [
        (GAIN, [GAIN, GAIN], [], [], Verified.GAIN),
        (GAIN, [GAIN, LOSS], [], [], Verified.NO),  # a further seed does not agree
        (GAIN, [GAIN], [], [], Verified.NO),  # luck is not selected
        (GAIN, [GAIN, GAIN], [], ["cost"], Verified.NO),
        (effect(-0.001, 0.01), [GAIN, GAIN], [], [], Verified.NO),
        (effect(-0.001, 0.01), [GAIN, LOSS], ["overconfidence"], [], Verified.FIX),
        (effect(-0.003, 0.01), [GAIN, GAIN], ["overconfidence"], [], Verified.NO),  # costs more than 1 %
        (effect(-0.001, 0.01), [GAIN], ["overconfidence"], [], Verified.NO),
    ],
)
def test_what_counts_as_verified(pooled, singles, fixed, broken, verified) -> None:
    found, why_not = verdict(pooled, singles, fixed=fixed, broken=broken)
    assert found is verified
    assert bool(why_not) is (verified is Verified.NO)


def curve(*values: float) -> tuple[EpochRecord, ...]:
    return tuple(
        EpochRecord(epoch=n, wall_s=1.0, reported={}, metrics={"HR@5": value})
        for n, value in enumerate(values, 1)
    )


def test_only_a_candidate_far_behind_is_pruned_and_less_is_far_later(tmp_path: Path) -> None:
    parent = trial(tmp_path, "p", np.ones(3), epochs=curve(*[0.1] * 20), best_epoch=18)
    prune = behind(parent, OBJECTIVE)
    assert not prune(curve(*[0.01] * 7))  # too early to tell
    assert prune(curve(*[0.01] * 8))
    assert not prune(curve(*[0.09] * 8))
    assert not prune(curve(*[0.01] * 7, 0.08))
    assert prune(curve(*[0.09] * 18))
    assert not prune(curve(*[0.096] * 30))
