"""Sessions of a fixed sample of simulated users with the model that a worker holds: View, Satisfy and Depth of a trial.

The users are those of the data set, not of the trial: the same ones with the same luck meet every model, so that two
trials can be compared user by user. What they choose by comes from training events alone, and what they take is told to
the worker only as histories. How they walk is the business of simulator/sessions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import TopLists
from evolution.base import serial
from evolution.base.amounts import percent, signed
from evolution.base.errors import ConfigError, DataError
from evolution.base.places import CONFIG_NAME
from evolution.domain.objective import SESSION, SESSIONS, Objective, needs_sessions, parse_expression
from evolution.domain.trial import ContractCheck
from evolution.repo.config import Config, key_line
from evolution.repo.files import config_text
from evolution.trials.asked import said
from evolution.trials.data import TrialData
from evolution.trials.request import TrialRequest
from evolution.trials.scoring import OBJECTIVE, PerUser, Ranking
from seeds.interactions import Int64, Questions

if TYPE_CHECKING:
    from pathlib import Path

    from seeds.metrics.intervals import MeanInterval
    from simulator.sessions.listening import Listening
    from simulator.sessions.records import Ask, Sessions
    from simulator.sessions.sessions import Participants
    from simulator.sessions.wishes import Tell, Wish

NOTE = "sessions"  # in a trial's note: users, auc, no_vote, lacking, listening
UNHEARD = "wishes-unheard"
_one_at_a_time = Lock()


class Answering(Protocol):
    """What answers questions that the job has drawn, and may be told what users wish: a worker's session."""

    def rank_these(self, name: str, questions: Questions) -> TopLists:
        """The lists of the questions; `name` is for one set of questions alone. Raises TrialFailed."""
        ...

    def instruct(self, users: Sequence[int], texts: Sequence[str]) -> bool:
        """Tell it what each user wishes from now on; False where it cannot be told. Raises TrialFailed."""
        ...


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A model as sessions meet it. tell: None where it offers no instruct()."""

    ask: "Ask"
    tell: "Tell | None"


def answers_of(
    session: Answering, *, on_page: Callable[[int, int], None] = lambda page, users: None
) -> Answers:
    """The model that a worker holds, as sessions meet it. on_page: told the page and the number of users before each question."""
    numbers = count()

    def ask(page: int, questions: Questions) -> Int64:
        on_page(page, len(questions))
        return session.rank_these(f"page-{next(numbers)}", questions).items.astype(np.int64)

    def tell(wishes: "Sequence[Wish]") -> None:
        session.instruct([wish.user for wish in wishes], [wish.text for wish in wishes])

    return Answers(ask=ask, tell=tell if session.instruct((), ()) else None)


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
) -> tuple[Ranking, ContractCheck]:
    """The ranking of the validation questions, with the figures of sessions for each of its users and the whole objective;
    and whether users lose by not being heard.

    note: of the trial; told who the users are, and what they wished. Raises TrialFailed: the model did not answer.
    """
    from simulator.sessions.listening import listening
    from simulator.sessions.sessions import NO_VOTE

    participants, model = participants_of(request.data), answers_of(session)
    fidelity, walk = participants.fidelity, participants.walk
    held = walk.sessions(model.ask, model.tell)
    heard = listening(walk, held, model.ask, told=model.tell is not None)
    note[NOTE] = {
        "users": len(walk.minds),
        "auc": {"value": fidelity.auc, "low": fidelity.low, "high": fidelity.high},
        "no_vote": "" if fidelity.beats_chance else NO_VOTE,
        "lacking": list(participants.lacking),
        "listening": serial.plain(heard),
    }
    figures = figures_by_question(held, request.data.validation)
    objective = parse_expression(request.config.objective.expression)
    return beside(ranking, figures, objective), checked(heard, len(walk.minds))


def checked(heard: "Listening", users: int) -> ContractCheck:
    """As a check of the contract, of which instruct() is an optional part. users: how many held sessions."""
    wished = f"{percent(heard.wished.value)} of {users} simulated users asked to be spared a kind of thing"
    if heard.satisfy is None or heard.depth is None:
        return said(UNHEARD, True, "warning", f"{wished}, and instruct() was told")
    gain = f"Satisfy {_gained(heard.satisfy)} and pages {_gained(heard.depth)} each"
    if not heard.costs:
        words = f"{wished}; lists that put it last would change little for them: {gain}"
        return said(UNHEARD, True, "warning", words)
    words = f"{wished}, and nothing can be told to this model: lists that put it last would be worth {gain}; offer instruct(users, texts)"
    return said(UNHEARD, False, "warning", words)


def _gained(mean: "MeanInterval") -> str:
    value, low, high = (signed(round(one, 3)) for one in (mean.value, mean.low, mean.high))
    return f"{value} [{low}, {high}]"


def beside(ranking: Ranking, figures: PerUser, objective: Objective) -> Ranking:
    """A ranking with further figures of its users, by which the whole objective is known."""
    if not figures:
        return ranking
    per_user = {**ranking.per_user, **figures}
    return replace(ranking, per_user={**per_user, OBJECTIVE: objective.per_user(per_user)})


def held_figures(
    session: Answering, participants: "Participants", questions: Questions
) -> Mapping[str, NDArray[np.float64]]:
    """Hold the sessions of those participants who have one of these questions: as `figures_by_question`; {} where none has.

    Raises TrialFailed.
    """
    from simulator.sessions.sessions import questions_of

    rows = _places(participants.walk.minds.users, questions.users)[0]
    if not len(rows):
        return {}
    walk = participants.walk.of(rows, questions_of(questions, participants.walk.minds.users[rows]))
    model = answers_of(session)
    return figures_by_question(walk.sessions(model.ask, model.tell), questions)


def figures_by_question(sessions: "Sessions", questions: Questions) -> Mapping[str, NDArray[np.float64]]:
    """One value per question and figure: "satisfy@session" and so on -> float64 (Q,). Each session's user must have a question.

    A column's mean is the mean over the users who had a session, each by his share of all users; who had none has that
    mean (`simulator.sessions.figures.spoken_for`).
    """
    from simulator.sessions.figures import by_user, spoken_for

    places = _places(sessions.users, questions.users)[1]
    values, shares, size = by_user(sessions), sessions.shares, len(questions)
    return {f"{name}@{SESSION}": spoken_for(values[name], shares, places, size) for name in SESSIONS}


def _places(users: Int64, asked: Int64) -> tuple[Int64, Int64]:
    """Which of the users have a question, and the place of that question: int64 (P,) each."""
    place = {int(user): row for row, user in enumerate(asked)}
    rows = [row for row, user in enumerate(users) if int(user) in place]
    return np.array(rows, dtype=np.int64), np.array([place[int(users[row])] for row in rows], dtype=np.int64)


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
