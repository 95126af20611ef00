"""The test questions, answered once by a fresh process with the frozen state of a finished trial.

A test question's history holds the validation event, so the worker meets it only when nothing is learned any
more. Where a repo has no state_dict the model is trained again, as many epochs as before, with the same seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from evolution.domain.objective import parse_expression
from evolution.domain.trial import Failure, Metric, Trial
from evolution.trials import artifacts
from evolution.trials.failing import TrialFailed
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.scoring import (
    PerUser,
    judged,
    list_figures,
    objective_metric,
    with_intervals,
)
from evolution.trials.session import WorkerSession, opened


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
        with opened(request, supervision, data.test_inputs()) as session:
            supervision.on_stage("importing")
            session.start()
            _make_as_before(request, trial, session, supervision)
            supervision.on_stage("ranking the test questions")
            lists = session.rank_handed_over(data.test_questions, data.test)
            ranking = judged(lists, data.test, parse_expression(request.config.objective.expression))
    except TrialFailed as failed:
        return TestReading(trial=trial.id, failure=failed.failure)
    return TestReading(
        trial=trial.id,
        metrics={**with_intervals(ranking.per_user, seed), **list_figures(lists, data.training)},
        objective=objective_metric(ranking.per_user, seed),
        per_user=ranking.per_user,
    )


def _make_as_before(
    request: TrialRequest, trial: Trial, session: WorkerSession, supervision: Supervision
) -> None:
    session.build(request.key.seed)
    state = request.folder / artifacts.STATE
    if state.exists():
        session.load_state(state)
        return
    supervision.on_stage("training again: the repo has no state_dict()")
    for _ in range(trial.best_epoch):
        session.epoch()
