"""A new recommender that was given the trained state must score as the trained one did."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evolution.trials.asked import said
from evolution.trials.restoring import STATE_RESTORED, check_trained_state


class Session:
    """Answers with a user's row of a table, multiplied by a gain that the state may lack."""

    def __init__(self, table: Any, gain: float = 1.0, few: int = 0) -> None:
        self.table, self.gain, self.few = table, gain, few

    def score(self, users: Any, histories: Any) -> Any:
        assert len(users) == len(histories)
        scores = self.table[users] * self.gain
        scores[: self.few] += 1.0 + self.table[users[: self.few] - 1]
        return scores


@pytest.fixture
def trained(micro):
    table = np.random.default_rng(0).normal(size=(micro.training.n_users + 1, 9)).astype(np.float32)
    rows = np.arange(0, len(micro.validation), 3)
    artifacts: Any = SimpleNamespace(dense_rows=rows, dense_scores=table[micro.validation.users[rows]])
    return table, artifacts


def checked(micro, session, artifacts, *asked):
    return check_trained_state(session, micro, artifacts, asked, max_history=20)


def test_the_same_scores_say_nothing(micro, trained):
    table, artifacts = trained
    assert checked(micro, Session(table), artifacts) == []
    assert checked(micro, Session(table * (1 + 1e-6)), artifacts) == []
    assert checked(micro, Session(table, few=3), artifacts) == []


def test_a_state_that_lacks_a_gain_is_found(micro, trained):
    table, artifacts = trained
    (check,) = checked(micro, Session(table, gain=1.3), artifacts)
    assert (check.code, check.passed) == (STATE_RESTORED, False)
    assert "100 %" in check.message


@pytest.mark.parametrize("code", ["same-answer-twice", "batch-companions"])
def test_answers_that_hang_on_more_than_the_question_are_not_compared(micro, trained, code):
    table, artifacts = trained
    assert checked(micro, Session(table, gain=1.3), artifacts, said(code, False, "warning", "")) == []
