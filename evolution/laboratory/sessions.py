"""Sessions of simulated users with the frozen model of a complete trial, which a fresh worker answers for page by page.

The worker has the training events and the state that the trial left; what users take is told to it only as histories.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolution.base.amounts import count as amount
from evolution.base.errors import DataError, RepoError, UsageError
from evolution.domain.job import EventType
from evolution.domain.trial import Trial
from evolution.laboratory.laboratory import Laboratory
from evolution.trials.failing import TrialFailed
from evolution.trials.frozen import as_measured
from evolution.trials.user_sessions import Answers, answers_of

if TYPE_CHECKING:
    from simulator.sessions.sessions import Outcome, Participants
    from simulator.sessions.telling import ToldSession


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """Sessions that were held. told: the session of the user who was asked for, None for nobody."""

    participants: "Participants"
    outcome: "Outcome"
    told: "ToldSession | None"


def user_number(laboratory: Laboratory, name: str) -> int:
    """The number of the user with this id of the log. Raises UsageError: there is none, or nothing of his is held out."""
    data = laboratory.data
    number = next((n for n, one in enumerate(data.training.user_names) if n and one == name), 0)
    if not number:
        raise UsageError(
            f"--user is {name!r}; expected a user's id as the log has it, such as {_example(laboratory)}"
        )
    if number not in data.validation.users:
        raise UsageError(
            f"--user is {name!r}, who has too few events for one to be held out, so the model was not asked for him; "
            f"expected another, such as {_example(laboratory)}"
        )
    return number


def _example(laboratory: Laboratory) -> str:
    data = laboratory.data
    return repr(data.training.user_names[int(data.validation.users[0])]) if len(data.validation) else "none"


def hold(laboratory: Laboratory, trial: Trial, *, users: int, user: int = 0) -> Held:
    """Sessions of at most `users` users with a trial's model and with the baselines. user: one whose session is told, 0 for none.

    Raises DataError: the data lacks what sessions need. RepoError: the model did not answer. Cancelled.
    """
    from simulator.sessions.sessions import NoSessions, gather_participants, hold_sessions, told_session

    data, seed = laboratory.data, laboratory.config.training.seed
    _tell(laboratory, trial, "learning what users choose by")
    try:
        participants = gather_participants(
            training=data.training, questions=data.validation, n_users=users, seed=seed
        )
    except NoSessions as error:
        raise DataError(f"no sessions: {error}") from None
    laboratory.context.check_cancelled()
    try:
        with answering(laboratory, trial) as model:
            ask, tell, check = model.ask, model.tell, laboratory.context.check_cancelled
            outcome = hold_sessions(participants, ask, tell, between=check)
            own, questions = outcome.own, data.validation
            told = told_session(participants, own, ask, questions, user, inform=tell) if user else None
    except TrialFailed as error:
        failure = error.failure
        raise RepoError(
            f"the model did not answer ({failure.reason}): {failure.message}",
            path=failure.path,
            line=failure.line,
        ) from error
    return Held(participants=participants, outcome=outcome, told=told)


@contextmanager
def answering(laboratory: Laboratory, trial: Trial) -> Iterator[Answers]:
    """The saved state of a complete trial, in a new process, as sessions ask it. Raises TrialFailed, Cancelled."""
    with (
        laboratory.reopened(trial, f"sessions with {trial.id}") as (request, supervision),
        as_measured(request, trial, supervision) as session,
    ):
        yield answers_of(
            session,
            on_page=lambda page, users: supervision.on_stage(f"page {page} for {amount(users, 'user')}"),
        )


def _tell(laboratory: Laboratory, trial: Trial, words: str) -> None:
    laboratory.context.events.emit(EventType.PROGRESS, words, trial=trial.id, fraction=None, left_s=None)
