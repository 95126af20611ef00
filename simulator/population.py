"""The statistical users of one split: samples the personas, fits the choice
model, and builds each user's behaviour.
"""

from dataclasses import dataclass

import numpy as np

from seeds.interactions import Int64, Interactions, Questions
from simulator.behaviour import StatisticalBehaviour
from simulator.catalogue import Catalogue, build_catalogue
from simulator.choice import ChoiceModel, fit_choice_model
from simulator.features import available_columns
from simulator.pages import PageMaker, build_shelf
from simulator.panel import Panel, build_panel, choose_panel
from simulator.personas import Persona, build_personas, persona_shares, sample_personas
from simulator.transitions import Float64
from simulator.viewpoint import look

HABIT_PRIOR = 5.0  # number of ratings equal to the items' averages mixed into a user's rating habit


@dataclass(frozen=True, kw_only=True, eq=False)
class Population:
    """The statistical users of one split, ready to be asked.

    shares: float64 (n_personas,), how much of all users with a question each persona speaks for; their sum is 1
    """

    training: Interactions
    shelf: PageMaker
    panel: Panel
    model: ChoiceModel
    personas: tuple[Persona, ...]
    shares: Float64
    rating_range: tuple[float, float]


def build_population(
    training: Interactions,
    questions: Questions,
    *,
    n_users: int,
    seed: int,
    catalogue: Catalogue | None = None,
) -> Population:
    """Sample personas and fit the choice model, from training events alone. catalogue: of the same events, None to build it."""
    rng = np.random.default_rng([seed, 0])
    everybody = personas_with_question(training, questions)
    personas = sample_personas(everybody, n_users, rng)
    catalogue = catalogue or build_catalogue(training)
    users = choose_panel(training, np.array([p.user for p in personas], dtype=np.int64), rng)
    panel = build_panel(training, catalogue, users=users, columns=available_columns(catalogue), rng=rng)
    return Population(
        training=training,
        shelf=build_shelf(training, catalogue),
        panel=panel,
        model=fit_choice_model(panel),
        personas=personas,
        shares=persona_shares(everybody, personas),
        rating_range=_rating_range(training),
    )


def choose_personas(
    training: Interactions, questions: Questions, n_users: int, rng: np.random.Generator
) -> tuple[Persona, ...]:
    """At most n_users personas of users with a question, over all kinds of personas, by user id."""
    return sample_personas(personas_with_question(training, questions), n_users, rng)


def personas_with_question(training: Interactions, questions: Questions) -> tuple[Persona, ...]:
    """The personas of all users with a question, by user id."""
    asked = set(questions.users.tolist())
    return tuple(persona for persona in build_personas(training) if persona.user in asked)


def embody(
    population: Population, persona: Persona, history: Int64, rng: np.random.Generator
) -> StatisticalBehaviour:
    """The statistical behaviour of one persona after `history`."""
    training, catalogue = population.training, population.shelf.catalogue
    return StatisticalBehaviour(
        persona=persona.description,
        view=look(catalogue, population.model, user=persona.user, history=history, rng=rng),
        shelf=population.shelf,
        usual_rating=rating_habit(training, catalogue, persona.user),
        rating_range=population.rating_range,
    )


def rating_habit(training: Interactions, catalogue: Catalogue, user: int) -> float | None:
    """How far above the items' averages a user rates, shrunk to 0; None if the user never rated."""
    if training.ratings is None:
        return None
    ratings = training.ratings[training.offsets[user] : training.offsets[user + 1]].astype(np.float64)
    items = training.history(user)[np.isfinite(ratings)]
    ratings = ratings[np.isfinite(ratings)]
    if not len(ratings):
        return None
    above = ratings - catalogue.rating_sum[items] / catalogue.rating_count[items]
    return float(above.sum() / (len(above) + HABIT_PRIOR))


def _rating_range(training: Interactions) -> tuple[float, float]:
    """Lowest and highest rating of the log; (1, 5) if there are none."""
    if training.ratings is None or not np.isfinite(training.ratings).any():
        return 1.0, 5.0
    return float(np.nanmin(training.ratings)), float(np.nanmax(training.ratings))
