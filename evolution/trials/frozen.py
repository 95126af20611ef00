"""The test questions, answered once by a fresh process with the frozen state of a finished trial.

A test question's history holds the validation event, so the worker meets it only when nothing is learned any
more. Where a repo has no state_dict the model is trained again, as many epochs as before, with the same seed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from diagnosis.evidence import FILES, TopLists
from evolution.domain.objective import parse_expression
from evolution.domain.trial import Failure, Metric, Trial
from evolution.trials import artifacts
from evolution.trials.agreement import scores_differ
from evolution.trials.asking_again import (
    COMPARABLE,
    asked_again,
    check_lists_by_scores,
    comparable,
    unforeseen,
)
from evolution.trials.data import chosen
from evolution.trials.failing import TrialFailed, broken_contract
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.scoring import (
    PerUser,
    judged,
    list_figures,
    objective_metric,
    with_intervals,
)
from evolution.trials.session import WorkerSession, opened
from evolution.trials.user_sessions import beside, held_figures, participants_of


@dataclass(frozen=True, kw_only=True, eq=False)
class TestReading:
    """What the test questions say of a trial. failure: why they say nothing. per_user: metric -> (Q,)."""

    __test__ = False  # not a test case, whatever its name

    trial: str
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    objective: Metric | None = None
    per_user: PerUser = field(default_factory=dict)
    failure: Failure | None = None


def read_test(request: TrialRequest, trial: Trial, supervision: Supervision) -> TestReading:
    """Rank the test questions with the state that `trial` left in `request.folder`.

    Raises UsageError: the interpreter cannot be run. All else that can go wrong is in the reading.
    """
    data, seed = request.data, request.key.seed
    try:
        with as_measured(request, trial, supervision) as session:
            supervision.on_stage("ranking the test questions")
            lists = session.rank_handed_over(data.test_questions, data.test)
            _check_again(request, trial, session, lists)
            objective = parse_expression(request.config.objective.expression)
            ranking = judged(lists, data.test, objective)
            if request.config.objective.holds_sessions:
                supervision.on_stage("sessions of simulated users")
                figures = held_figures(session, participants_of(data), data.test)
                ranking = beside(ranking, figures, objective)
    except TrialFailed as failed:
        return TestReading(trial=trial.id, failure=failed.failure)
    return TestReading(
        trial=trial.id,
        metrics={**with_intervals(ranking.per_user, seed), **list_figures(lists, data.training)},
        objective=objective_metric(ranking.per_user, objective, seed),
        per_user=ranking.per_user,
    )


@contextmanager
def as_measured(request: TrialRequest, trial: Trial, supervision: Supervision) -> Iterator[WorkerSession]:
    """A fresh worker that holds the model which `trial` measured, before it has seen any held-out event.

    Raises TrialFailed, UsageError: the interpreter cannot be run.
    """
    with opened(request, supervision, request.data.test_inputs()) as session:
        supervision.on_stage("importing")
        session.start()
        _make_as_before(request, trial, session, supervision)
        _check_is_as_measured(request, trial, session)
        yield session


def _check_is_as_measured(request: TrialRequest, trial: Trial, session: WorkerSession) -> None:
    """Raises TrialFailed where a loaded state does not give the scores that the trial kept of its fixed sample."""
    data = request.data
    kept = artifacts.artifacts_folder(request.folder) / FILES["dense_scores"]
    answers_alike = all(comparable(trial.contract, code) for code in COMPARABLE)
    if not (answers_alike and kept.exists() and (request.folder / artifacts.STATE).exists()):
        return
    now = session.dense_of_these("sample", chosen(data.validation, data.sample))
    differing = scores_differ(np.load(kept, allow_pickle=False), now)
    if differing.any():
        raise broken_contract(
            f"the frozen state scores {int(differing.sum())} of {len(differing)} users differently than the trial did, so "
            "test events would be answered by another model; state_dict() must hold all that fit() changes and score() uses"
        )


def _check_again(request: TrialRequest, trial: Trial, session: WorkerSession, lists: TopLists) -> None:
    """Raises TrialFailed where the answers are not those of a model that answers alike, as the trial said it does."""
    data = request.data
    if not all(comparable(trial.contract, code) for code in COMPARABLE):
        return
    rng = unforeseen(data.test, request.key.seed)
    again = asked_again(session, data.test, lists, rng)
    if again.differing:
        raise broken_contract(f"{again}, which was not so when the trial was measured")
    check_lists_by_scores(session, data.test, data.training.n_items, rng)


def _make_as_before(
    request: TrialRequest, trial: Trial, session: WorkerSession, supervision: Supervision
) -> None:
    session.build(request.key.seed)
    state = request.folder / artifacts.STATE
    if artifacts.has_whole_state(request.folder):
        session.load_state(state)
        return
    why = "the saved state is damaged" if state.exists() else "there is no saved state"
    supervision.on_stage(f"training again: {why}")
    for _ in range(trial.best_epoch):
        session.epoch()
