"""Sessions of a population with a recommender and with the baselines, and what they say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from seeds.interactions import Int64, Interactions, Questions
from seeds.metrics.intervals import MeanInterval
from simulator.catalogue import build_catalogue, with_pairs
from simulator.choice import weights_given
from simulator.critiques import Fidelity
from simulator.panel import build_panel
from simulator.personas import build_personas
from simulator.population import Population, build_population
from simulator.sessions.figures import SessionFigures, by_user, figures_of, weighted_mean
from simulator.sessions.listening import Listening, listening
from simulator.sessions.minds import minds_of, read_minds
from simulator.sessions.recommenders import baselines
from simulator.sessions.records import Ask, Sessions
from simulator.sessions.telling import ToldSession, tell
from simulator.sessions.trusted import fidelity_of
from simulator.sessions.walking import Walk
from simulator.sessions.wishes import Tell

MODEL = "model"
NO_VOTE = "on their users' real next choices they are not surely better than chance"


class NoSessions(Exception):
    """The data lacks what sessions need; the message says what."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Participants:
    """Users ready for sessions. lacking: what the data does not have, and what no user does for that reason."""

    walk: Walk
    fidelity: Fidelity
    lacking: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One recommender's figures. ahead: by how much the model's users are more satisfied than this one's; None of the model."""

    name: str
    figures: SessionFigures
    ahead: MeanInterval | None


def gather_participants(
    *, training: Interactions, questions: Questions, n_users: int, seed: int
) -> Participants:
    """At most n_users users, over all kinds of personas, from training events alone. The questions' targets only measure
    how far the users can be trusted. Deterministic. Raises NoSessions."""
    if not len(questions):
        raise NoSessions("no user has a held-out event, so there is nobody to simulate")
    population = build_population(
        training,
        questions,
        n_users=n_users,
        seed=seed,
        catalogue=with_pairs(build_catalogue(training), training),
    )
    if not len(population.panel.features):
        raise NoSessions(
            "no user took more than three different items in training, so nothing is known of what they choose by; sessions "
            "need a log with longer histories"
        )
    minds = read_minds(population, seed)
    asked = questions_of(questions, minds.users)
    return Participants(
        walk=Walk(population=population, minds=minds, questions=asked, seed=seed),
        fidelity=fidelity_of(population, minds, asked, seed),
        lacking=_lacking(population),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """own: the sessions with the model. compared: its figures, then those of the baselines. listening: whether it was told wishes."""

    own: Sessions
    compared: tuple[Compared, ...]
    listening: Listening


def hold_sessions(
    participants: Participants,
    ask: Ask,
    tell: Tell | None = None,
    *,
    between: Callable[[], None] = lambda: None,
) -> Outcome:
    """Sessions with the model that `ask` asks and `tell` tells, and with the baselines. tell: None where it cannot be told
    wishes. between: called before each further recommender, and may raise to end it all."""
    walk = participants.walk
    own = walk.sessions(ask, tell)
    between()
    heard = listening(walk, own, ask, told=tell is not None)
    compared = [Compared(name=MODEL, figures=figures_of(own, walk.seed), ahead=None)]
    for name, baseline in baselines(walk.population.training, walk.seed).items():
        between()
        compared.append(_beside(name, own, walk.sessions(baseline), walk.seed))
    return Outcome(own=own, compared=tuple(compared), listening=heard)


def told_session(
    participants: Participants,
    own: Sessions,
    ask: Ask,
    questions: Questions,
    user: int,
    *,
    inform: Tell | None = None,
) -> ToldSession:
    """One user's session with the model, out of `own` if he is among the participants, else held now. inform: tells
    the model wishes, None where it cannot be told.

    Raises NoSessions: he has no question."""
    walk = participants.walk
    known = np.flatnonzero(own.users == user)
    if len(known):
        return tell(walk.only(int(known[0])), own.only(int(known[0])), heard=inform is not None)
    alone = _walk_of(walk, questions, user)
    return tell(alone, alone.sessions(ask, inform), heard=inform is not None)


def _walk_of(walk: Walk, questions: Questions, user: int) -> Walk:
    """The walk of one user who is not among the participants: the model of choice stays as it is, his weights are added."""
    if user not in questions.users:
        raise NoSessions("this user has no held-out event, so nothing was asked for him")
    population = walk.population
    persona = next(one for one in build_personas(population.training) if one.user == user)
    panel = build_panel(
        population.training,
        population.shelf.catalogue,
        users=np.array([user]),
        columns=population.model.columns,
        rng=np.random.default_rng([walk.seed, 7, user]),
    )
    weights = weights_given(population.model, panel)
    model = replace(population.model, users=panel.users, user_weights=weights)
    minds = minds_of(population, (persona,), seed=walk.seed, model=model, panel=panel, shares=np.ones(1))
    return replace(walk, minds=minds, questions=questions_of(questions, minds.users))


def _beside(name: str, own: Sessions, other: Sessions, seed: int) -> Compared:
    """The same users draw the same numbers with both, so their difference has less noise than either."""
    gain = by_user(own)["satisfy"] - by_user(other)["satisfy"]
    ahead = weighted_mean(gain, own.shares, seed)
    return Compared(name=name, figures=figures_of(other, seed), ahead=ahead)


def questions_of(questions: Questions, users: Int64) -> Questions:
    """The questions of these users, in their order. Each must have one."""
    place = {int(user): row for row, user in enumerate(questions.users)}
    rows = np.array([place[int(user)] for user in users], dtype=np.int64)
    histories = [questions.history(int(row)) for row in rows]
    return Questions(
        users=users,
        items=np.concatenate([np.zeros(0, dtype=np.int64), *histories]),
        offsets=np.concatenate([[0], np.cumsum([len(history) for history in histories])]).astype(np.int64),
        targets=questions.targets[rows],
    )


def _lacking(population: Population) -> tuple[str, ...]:
    catalogue = population.shelf.catalogue
    known: Mapping[str, bool] = {
        "no categories: nobody gets bored with a kind of thing": catalogue.has_categories,
        "no ratings: nobody rates or likes what he took": catalogue.has_ratings,
        "no prices: nobody goes by what a thing costs": catalogue.has_prices,
        "no stores: nobody keeps to a store": catalogue.has_stores,
    }
    return tuple(words for words, there in known.items() if not there)
