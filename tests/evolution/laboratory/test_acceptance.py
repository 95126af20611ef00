"""What counts as a verified gain or fix, and which candidate is given up before its training ends."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evolution.domain.objective import parse_expression
from evolution.domain.proposal import Corrected, Effect, Verified
from evolution.domain.trial import EpochRecord, Metric
from evolution.laboratory.acceptance import behind, is_likely, may_be_lost, verdict, was_lost
from tests.evolution.laboratory.stored import trial

OBJECTIVE = parse_expression("HR@5")


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
    found, why_not = verdict(pooled, singles, fixed=fixed, broken=broken, lost=may_be_lost(pooled))
    assert found is verified
    assert bool(why_not) is (verified is Verified.NO)


def test_a_gain_that_costs_too_much_is_refused_with_both_figures() -> None:
    _, why_not = verdict(GAIN, [GAIN, GAIN], fixed=[], broken=["2.8x slower (limit 2x)"], lost=0.0)
    assert why_not == "+15 %, but 2.8x slower (limit 2x)"


@pytest.mark.parametrize(
    ("low", "verified", "said"),
    [(0.001, Verified.GAIN, ""), (-0.001, Verified.NO, "choice among 14 candidates")],
)
def test_the_best_of_many_is_a_gain_only_when_that_is_counted(
    low: float, verified: Verified, said: str
) -> None:
    among = Corrected(candidates=14, change=0.01, low=low, high=0.05, p=0.02)
    found, why_not = verdict(GAIN, [GAIN, GAIN], fixed=[], broken=[], lost=0.0, corrected=among)
    assert found is verified and said in why_not
    assert is_likely(GAIN, [GAIN, GAIN], among) is (low <= 0)  # further seeds may tell


@pytest.mark.parametrize(
    ("delta", "wide", "verified"),
    [
        (0.0, 0.02, Verified.FIX),
        (-0.0015, 0.001, Verified.FIX),  # less than 1 %
        (-0.01, 0.02, Verified.FIX),  # within a standard error, which is .0102
        (-0.011, 0.02, Verified.NO),
        (-0.01, 0.01, Verified.NO),
        (-0.03, 0.2, Verified.NO),  # more than a tenth, of which few users know nothing
    ],
)
def test_a_repair_with_all_its_seeds_is_held_against_what_was_lost(
    delta: float, wide: float, verified: Verified
) -> None:
    pooled = effect(delta - wide, delta + wide, delta)
    found, _ = verdict(pooled, [pooled] * 4, fixed=["sampling"], broken=[], lost=was_lost(pooled))
    assert found is verified


@pytest.mark.parametrize(
    ("pooled", "singles", "likely"),
    [
        (effect(-0.01, 0.04, 0.02), [GAIN, GAIN], True),
        (effect(-0.01, 0.04, 0.02), [GAIN, LOSS], False),
        (effect(-0.01, 0.02, 0.005), [GAIN, GAIN], False),  # less than 5 %
        (GAIN, [GAIN, GAIN], False),  # known already
    ],
)
def test_what_rose_with_every_seed_and_may_be_chance_is_worth_another(pooled, singles, likely) -> None:
    assert is_likely(pooled, singles) is likely


def curve(*values: float) -> tuple[EpochRecord, ...]:
    return tuple(
        EpochRecord(epoch=n, wall_s=1.0, reported={}, metrics={"HR@5": value})
        for n, value in enumerate(values, 1)
    )


def test_only_a_candidate_far_behind_is_pruned_and_less_is_far_later(tmp_path: Path) -> None:
    parent = trial(tmp_path, "p", np.ones(3), epochs=curve(*[0.1] * 20), best_epoch=18)
    prune = behind(parent, OBJECTIVE)
    assert not prune(curve(*[0.01] * 3))  # too early to tell
    assert prune(curve(*[0.01] * 4))  # hopeless
    assert not prune(curve(*[0.04] * 4))  # warming up
    assert prune(curve(*[0.04] * 6))
    assert not prune(curve(*[0.09] * 8))
    assert not prune(curve(*[0.01] * 7, 0.08))
    assert prune(curve(*[0.09] * 18))
    assert not prune(curve(*[0.096] * 30))


def test_beside_a_long_training_more_epochs_are_given(tmp_path: Path) -> None:
    parent = trial(tmp_path, "p", np.ones(3), epochs=curve(*[0.1] * 160), best_epoch=140)
    prune = behind(parent, OBJECTIVE)
    assert not prune(curve(*[0.005] * 13))  # 4 of 20 epochs say more than 4 of 160
    assert prune(curve(*[0.005] * 14))
    assert not prune(curve(*[0.08] * 28))
    assert prune(curve(*[0.09] * 140))


def test_a_candidate_within_the_parents_interval_is_not_far_behind(tmp_path: Path) -> None:
    wide = Metric(value=0.1, low=0.07, high=0.13)
    parent = trial(tmp_path, "p", np.ones(3), epochs=curve(*[0.1] * 20), best_epoch=18, objective=wide)
    prune = behind(parent, OBJECTIVE)
    assert not prune(curve(*[0.072] * 18))
    assert prune(curve(*[0.068] * 18))


def test_a_candidate_is_held_against_as_many_optimizer_steps(tmp_path: Path) -> None:
    def steps(number: int, epochs: tuple[EpochRecord, ...]) -> tuple[EpochRecord, ...]:
        return tuple(replace(epoch, steps=number) for epoch in epochs)

    slow_then_good = curve(*[0.02] * 10, *[0.1] * 10)
    parent = trial(tmp_path, "p", np.ones(3), epochs=steps(10, slow_then_good), best_epoch=11)
    prune = behind(parent, OBJECTIVE)
    assert prune(steps(10, curve(*[0.02] * 12)))  # 120 steps, as many as the parent took to be good
    assert not prune(steps(8, curve(*[0.02] * 12)))  # 96 steps


def test_where_sessions_are_a_part_of_the_objective_candidates_are_given_up_by_what_epochs_tell(
    tmp_path: Path,
) -> None:
    mixed = parse_expression("0.5*HR@5 + 0.5*satisfy@session/10")
    whole = Metric(value=0.4, low=0.39, high=0.41)  # which epochs do not reach
    told = {"HR@5": Metric(value=0.1, low=0.07, high=0.13)}
    parent = trial(tmp_path, "p", np.ones(3), epochs=curve(*[0.1] * 20), best_epoch=18, objective=whole)
    prune = behind(replace(parent, metrics=told), mixed)
    assert not prune(curve(*[0.072] * 18))
    assert prune(curve(*[0.068] * 18))
