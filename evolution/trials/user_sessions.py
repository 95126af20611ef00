"""Sessions of a fixed sample of simulated users with the model that a worker holds: View, Satisfy and Depth of a trial.

The users are those of the data set, not of the trial: the same ones with the same luck meet every model, so that two
trials can be compared user by user. What they choose by comes from training events alone, and what they take is told to
the worker only as histories. How they walk is the business of simulator/sessions.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import TopLists
from evolution.base.errors import ConfigError, DataError
from evolution.base.places import CONFIG_NAME
from evolution.domain.objective import SESSION, SESSIONS, Objective, needs_sessions
from evolution.repo.config import Config, key_line
from evolution.repo.files import config_text
from evolution.trials.data import TrialData
from evolution.trials.request import TrialRequest
from evolution.trials.scoring import OBJECTIVE, PerUser, Ranking
from seeds.interactions import Int64, Questions

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.sessions.sessions import Participants

NOTE = "sessions"  # in a trial's note: users, auc, no_vote, lacking
_one_at_a_time = Lock()


class Answering(Protocol):
    """What answers questions that the job has drawn: a worker's session."""

    def rank_these(self, name: str, questions: Questions) -> TopLists:
        """The lists of the questions; `name` is for one set of questions alone. Raises TrialFailed."""
        ...


def check_participants(config: Config, data: TrialData, repo: "Path") -> None:
    """Gather the users of the sessions that the configuration asks for, before a training is paid for; nothing else.

    Raises DataError, on the line that asks: the data lacks what sessions need, or the users do not choose better than
    chance and their figures are to decide about patches.
    """
    from simulator.sessions.sessions import NO_VOTE, NoSessions

    asked = config.objective
    if not asked.holds_sessions:
        return
    try:
        participants = participants_of(data)
    except NoSessions as error:
        raise _refused(config, repo, str(error)) from None
    if needs_sessions(asked.expression, asked.guardrails) and not participants.fidelity.beats_chance:
        raise _refused(
            config,
            repo,
            f"{NO_VOTE}, so their sessions cannot decide about patches; `sessions = true` in [objective] shows them all the same",
        )


def participants_of(data: TrialData) -> "Participants":
    """The users of this data's sessions; made on first use, a few seconds. Raises simulator.sessions.sessions.NoSessions."""
    with _one_at_a_time:  # trials run in threads
        return data.participants


def with_sessions(
    request: TrialRequest, session: Answering, ranking: Ranking, note: dict[str, Any]
) -> Ranking:
    """The ranking of the validation questions, with the figures of sessions for each of its users and the whole objective.

    note: of the trial; told who the users are. Raises TrialFailed: the model did not answer.
    """
    from simulator.sessions.sessions import NO_VOTE

    participants = participants_of(request.data)
    fidelity, users = participants.fidelity, participants.walk.minds.users
    note[NOTE] = {
        "users": len(users),
        "auc": {"value": fidelity.auc, "low": fidelity.low, "high": fidelity.high},
        "no_vote": "" if fidelity.beats_chance else NO_VOTE,
        "lacking": list(participants.lacking),
    }
    figures = held(session, participants, request.data.validation)
    return beside(ranking, figures, _objective(request.config))


def beside(ranking: Ranking, figures: PerUser, objective: Objective) -> Ranking:
    """A ranking with further figures of its users, by which the whole objective is known."""
    if not figures:
        return ranking
    per_user = {**ranking.per_user, **figures}
    return replace(ranking, per_user={**per_user, OBJECTIVE: objective.per_user(per_user)})


def held(
    session: Answering, participants: "Participants", questions: Questions
) -> Mapping[str, NDArray[np.float64]]:
    """Hold sessions and return one value per question and figure: "satisfy@session" and so on -> float64 (Q,).

    A column's mean is the mean over the users who had a session, each by his share of all users; who had none has that
    mean (`simulator.sessions.figures.spoken_for`). Participants who have no question here stay away; {} where none has.
    Raises TrialFailed.
    """
    from simulator.sessions.figures import by_user, spoken_for
    from simulator.sessions.sessions import questions_of

    rows, places = _present(participants.walk.minds.users, questions.users)
    if not len(rows):
        return {}
    walk = participants.walk.of(rows, questions_of(questions, participants.walk.minds.users[rows]))
    numbers = count()

    def ask(page: int, asked: Questions) -> Int64:
        return session.rank_these(f"session-{next(numbers)}", asked).items.astype(np.int64)

    found = walk.sessions(ask)
    values = by_user(found)
    return {
        f"{name}@{SESSION}": spoken_for(values[name], found.shares, places, len(questions))
        for name in SESSIONS
    }


def _present(users: Int64, asked: Int64) -> tuple[Int64, Int64]:
    """Which of the users have a question, and the place of that question: int64 (P,) each."""
    place = {int(user): row for row, user in enumerate(asked)}
    rows = [row for row, user in enumerate(users) if int(user) in place]
    return np.array(rows, dtype=np.int64), np.array([place[int(users[row])] for row in rows], dtype=np.int64)


def _objective(config: Config) -> Objective:
    from evolution.domain.objective import parse_expression

    return parse_expression(config.objective.expression)


def _refused(config: Config, repo: "Path", why: str) -> DataError:
    key = "sessions" if config.objective.sessions else "guardrails"
    if needs_sessions(config.objective.expression, ()):
        key = "expression"
    try:
        line = key_line(config_text(repo), ("objective", key))
    except (OSError, ConfigError):
        line = 0
    return DataError(
        f"objective.{key} asks for sessions of simulated users, but {why}", path=CONFIG_NAME, line=line
    )
