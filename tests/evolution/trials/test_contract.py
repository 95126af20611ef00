"""Each contract check fails on the defect it is for, and the trial goes on with a warning."""

import pytest

from evolution.domain.trial import TrialStatus

pytestmark = pytest.mark.process

SCORE = "return self.table[histories[:, -1]]"
DEFECTS = {
    "same-answer-twice": "s = self.table[histories[:, -1]]; return s * (np.random.random(s.shape) > 0.2)",
    "batch-companions": "s = self.table[histories[:, -1]]; return s - s.mean(0)",
    "more-padding": "return self.table[histories[:, -1]] + self.table[0] * (histories == 0).mean(1, keepdims=True)",
    "newest-kept": "return self.table[histories[:, :20][:, -1]]",
    "id-round-trip": "return self.table[np.maximum(histories[:, -1] - 1, 0)]",
}


def checks_of(trial):
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    return {check.code: check for check in trial.contract}


@pytest.mark.parametrize("code", DEFECTS)
def test_a_planted_defect_fails_its_check_and_no_other(bench, code):
    checks = checks_of(bench.run(bench.changed((SCORE, DEFECTS[code]))))
    failed = [name for name, check in checks.items() if check.passed is False]
    assert failed == [code], [checks[name].message for name in failed]
    assert checks[code].severity == "warning"


def test_a_state_that_misses_part_of_the_model_is_noticed(bench):
    partial = bench.changed(
        (
            "self.data = data",
            "self.data = data\n        self.bias = np.random.default_rng(seed + 5).normal(size=data.n_items + 1)",
        ),
        (SCORE, SCORE + " + self.bias"),
    )
    assert checks_of(bench.run(partial))["state-restored"].passed is False


def test_a_state_that_is_another_model_once_trained_is_noticed(bench):
    """Before the training both are zero, and cannot be told apart."""
    turned = bench.changed(("* 0.01", "* 0"), ('{"table": self.table', '{"table": -self.table'))
    check = checks_of(bench.run(turned))["state-restored"]
    assert check.passed is False
    assert "while training and" in check.message


def test_a_model_without_state_is_told_that_the_last_epoch_counts(bench):
    check = checks_of(bench.run(bench.changed(("def state_dict", "def none"))))["state-restored"]
    assert check.passed is None
    assert "last epoch counts" in check.message


def test_a_model_that_ignores_its_seed_is_noticed(bench):
    unseeded = bench.changed(("default_rng(seed)", "default_rng()"))
    assert checks_of(bench.run(unseeded))["same-seed"].passed is False


def test_what_an_untrained_model_cannot_answer_is_asked_of_the_trained_one(bench):
    checks = checks_of(bench.run(bench.changed(("* 0.01", "* 0"))))
    assert checks["newest-kept"].passed is True
    assert checks["id-round-trip"].passed is True


def test_padding_alone_may_be_answered_as_an_item(bench):
    """Where padding is left out of a sum, what a history without any event gets says nothing of item 1."""
    running = (
        "at = np.maximum(histories - 1, 0); seen = (histories > 0)[:, :, None]; "
        "return (np.roll(self.table, -1, 0)[at] * seen).sum(1) + (histories.max(1) == 0)[:, None] * self.table[1]"
    )
    assert checks_of(bench.run(bench.changed((SCORE, running))))["id-round-trip"].passed is True


def test_an_item_that_is_left_out_with_the_padding_is_noticed(bench):
    summed = "return (self.table[histories] * (histories > 1)[:, :, None]).sum(1)"
    check = checks_of(bench.run(bench.changed((SCORE, summed))))["id-round-trip"]
    assert check.passed is False and "item 1" in check.message


def test_a_history_as_long_as_allowed_that_crashes_is_reported(bench):
    fragile = bench.changed((SCORE, "assert histories.shape[1] < 50, 'too long'\n        " + SCORE))
    trial = bench.run(fragile)
    if trial.status is TrialStatus.COMPLETE:
        check = {check.code: check for check in trial.contract}["newest-kept"]
        assert check.passed is False
        assert "model.py" in check.message
    else:  # a real history is that long, too
        assert "too long" in trial.failure.message
