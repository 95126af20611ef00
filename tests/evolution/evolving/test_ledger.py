"""What a run is charged, and when it may not go on."""

import pytest

from evolution.base.errors import UsageError
from evolution.domain.limits import Limits
from evolution.domain.trial import Cost, Trial, TrialKey, TrialStatus
from evolution.evolving.ledger import Ledger
from evolution.evolving.plan import plan_of
from evolution.evolving.resources import check_size
from evolution.llm.budget import Budget, Charge
from evolution.llm.estimate import CostEstimate


def trial(name, seconds=2.0):
    key = TrialKey(program=name, data="d", training="t", seed=0, device="cpu/1", harness="h")
    return Trial(
        id=name, key=key, status=TrialStatus.COMPLETE, created_at=0.0, wall_s=0.0, cost=Cost(fit_s=seconds)
    )


def test_a_trial_counts_once_in_a_run_wherever_it_came_from():
    ledger = Ledger(limits=Limits(trials=3))
    ledger.charge([trial("a"), trial("b")])
    ledger.charge([trial("a")])
    assert ledger.spent() == {"trials": 2.0, "gpu_s": 4.0}
    assert (ledger.at_most(5), ledger.may_train()) == (1, True)
    ledger.charge([trial("c")])
    assert (ledger.at_most(5), ledger.may_train(), ledger.progress()) == (0, False, 1.0)


def test_seconds_of_training_are_a_limit_of_their_own():
    ledger = Ledger(limits=Limits(gpu_s=5.0))
    ledger.charge([trial("a", 4.0)])
    assert ledger.may_train() and ledger.progress() == pytest.approx(0.8)
    ledger.charge([trial("b", 4.0)])
    assert not ledger.may_train()


def test_without_a_limit_a_run_may_go_on():
    ledger = Ledger(limits=Limits())
    ledger.charge([trial(str(number)) for number in range(100)])
    assert ledger.at_most(7) == 7 and ledger.progress() == 0.0


def test_spent_exchanges_end_a_run_too_and_are_shown():
    budget = Budget(Limits(tokens=100))
    ledger = Ledger(limits=Limits(tokens=100), exchanges=budget)
    with budget.reserve("one", Charge(tokens=100)) as reserved:
        reserved.settle(Charge(tokens=100), paid=Charge(tokens=100))
    assert not ledger.may_train()
    assert ledger.spent()["tokens"] == 100


ESTIMATE = CostEstimate(first=Charge(tokens=100), each=Charge(tokens=50))


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(trials=2), "--trials 2 is too small for a proposal and its verification; give at least 3"),
        (Limits(tokens=249), "--budget-tokens 249 is too small for 3 proposals"),
    ],
)
def test_a_budget_too_small_says_so_before_it_starts(limits, said):
    with pytest.raises(UsageError, match=said):
        check_size(limits, ESTIMATE)


def test_what_is_kept_back_is_left_for_further_seeds():
    ledger = Ledger(limits=Limits(trials=5))
    ledger.charge([trial("a"), trial("b")])
    assert (ledger.at_most(3, kept=2), ledger.trials_left(3)) == (1, 3)
    ledger.charge([trial("c")])
    assert not ledger.may_train(kept=2) and ledger.trials_left(2) == 2
    in_seconds = Ledger(limits=Limits(gpu_s=9.0))
    in_seconds.charge([trial("a", 3.0)])
    assert in_seconds.may_train(kept=1)  # 3 s are spent, and 3 kept
    in_seconds.charge([trial("b", 3.0)])
    assert not in_seconds.may_train(kept=1) and in_seconds.may_train()


def test_spent_exchanges_do_not_end_the_verification():
    budget = Budget(Limits(tokens=100))
    ledger = Ledger(limits=Limits(tokens=100), exchanges=budget)
    with budget.reserve("one", Charge(tokens=100)) as reserved:
        reserved.settle(Charge(tokens=100), paid=Charge(tokens=100))
    assert not ledger.may_train() and ledger.trials_left(2) == 2


@pytest.mark.parametrize(
    ("limits", "expected", "proposals", "verified"),
    [
        (Limits(trials=3), None, 1, True),
        (Limits(trials=24), None, 22, True),
        (Limits(gpu_s=25.0), None, 0, False),  # two trials of 10 s
        (Limits(gpu_s=50.0), None, 3, True),
        (Limits(tokens=260), ESTIMATE, 3, True),
        (Limits(tokens=260, trials=4), ESTIMATE, 2, True),
        (Limits(), None, None, True),
    ],
)
def test_what_a_budget_buys_is_known_before(limits, expected, proposals, verified):
    plan = plan_of(limits, expected, trial_s=10.0)
    assert (plan.proposals, plan.verified) == (proposals, verified)
    if verified:
        assert "verification of the best" in plan.words
    else:
        assert (
            "verifies nothing" in plan.words
            and "--trials 3" in plan.words
            and "--budget-gpu-s 30" in plan.words
        )


def test_a_plan_that_is_large_enough_is_not_refused():
    check_size(Limits(tokens=250, trials=3), ESTIMATE)
    check_size(Limits(trials=3), None)
    check_size(Limits(), ESTIMATE)
