"""What each simulated user brings to a session: what he chooses by, when he takes something, how soon he tires.

All of it is measured on the user's own real choices in training (`Panel`): how much a thing must be worth to him, how
much of a page of his own choice he would take and how much of a random one, how alike his consecutive choices are. Figures
of a user with few choices are drawn towards those of all users.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Int64
from simulator.choice import ChoiceModel
from simulator.features import SIGNAL_OF_COLUMN
from simulator.panel import Panel
from simulator.personas import Level, Persona
from simulator.population import Population, rating_habit
from simulator.sessions.draws import draws
from simulator.transitions import Float64
from simulator.viewpoint import signals_of

PRIOR = 5.0  # choices of an average user that are mixed into a user's own figures
TAKES_OWN = (
    0.75  # of what users really chose they would take this share, as `Viewpoint.fitting_utility` has it
)
LEAST_GAP = 0.1  # between the shares taken of own choices and of random items, at least, for a user who hardly chooses
# Pages that a user looks at who finds nothing wrong and nothing to take, by how often he comes.
PATIENCE: Mapping[Level, float] = {Level.LOW: 3.0, Level.MIDDLE: 4.5, Level.HIGH: 6.0, Level.UNKNOWN: 4.5}
PATIENCE_SPREAD = 0.5  # a user's own patience is up to this share above or below
PATIENCE_DRAW = 0  # stands for the item in the draw of a user's patience; no item has the id 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Minds:
    """U users with F features and S signals of choice.

    users: int64 (U,)
    weights: float64 (U, F), of standardised features
    threshold: float64 (U,), the utility of which a thing is taken every second time
    takes_own, takes_random: float64 (U,), the share taken of things like the user's own choices, and of random ones
    own_worth, random_worth: float64 (U, S), mean utility by signal of the user's own choices, and of random items
    tolerance: float64 (U,), mean similarity in categories (cosine) of a choice to those right before it
    patience: float64 (U,), pages
    habit: float64 (U,), how far above the items' averages he rates, NaN if the data has no ratings of his
    shares: float64 (U,), how much of all users each speaks for
    """

    users: Int64
    weights: Float64
    threshold: Float64
    takes_own: Float64
    takes_random: Float64
    own_worth: Float64
    random_worth: Float64
    tolerance: Float64
    patience: Float64
    habit: Float64
    shares: Float64

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True, kw_only=True, eq=False)
class Usual:
    """Figures of all real choices of a panel, towards which those of single users are drawn.

    level: mean utility of a choice. slack: how far below his mean choice a user still takes every second thing
    """

    level: float
    slack: float
    takes_own: float
    takes_random: float
    own: Float64  # (F,), mean features of choices
    random: Float64  # (F,), of random items
    tolerance: float


def grouping_of(columns: tuple[str, ...]) -> Float64:
    """(F, S), 1 where a feature belongs to a signal."""
    signals = signals_of(columns)
    return np.array([[SIGNAL_OF_COLUMN[c] == s for s in signals] for c in columns], dtype=np.float64)


def read_minds(population: Population, seed: int) -> Minds:
    """The minds of a population's personas, in their order."""
    return minds_of(
        population,
        population.personas,
        seed=seed,
        model=population.model,
        panel=population.panel,
        shares=population.shares,
    )


def minds_of(
    population: Population,
    personas: tuple[Persona, ...],
    *,
    seed: int,
    model: ChoiceModel,
    panel: Panel,
    shares: Float64,
) -> Minds:
    """The minds of any personas. model: has their weights. panel: holds their choices; who has none is an average user."""
    usual = usual_of(population.model, population.panel)
    users = np.array([one.user for one in personas], dtype=np.int64)
    weights = np.array([model.weights_of(one.user) for one in personas])  # (U, F)
    choices = _Choices(model, panel)
    level = choices.mean_of(users, choices.utility[:, 0], usual.level)
    threshold = level - usual.slack
    by_choice = _at(users, threshold, choices.users, usual.level - usual.slack)[:, None]  # (N, 1)
    takes = chance(choices.utility - by_choice)  # (N, J)
    own_features = choices.mean_of(users, choices.features[:, 0], usual.own)
    random_features = choices.mean_of(users, choices.features[:, 1:].mean(axis=1), usual.random)
    grouping = grouping_of(model.columns)
    low = choices.mean_of(users, takes[:, 1:].mean(axis=1), usual.takes_random)
    high = choices.mean_of(users, takes[:, 0], usual.takes_own)
    catalogue = population.shelf.catalogue
    habits = [rating_habit(population.training, catalogue, int(user)) for user in users]
    patience = np.array([PATIENCE[one.activity] for one in personas])
    return Minds(
        users=users,
        weights=weights,
        threshold=threshold,
        takes_own=np.maximum(high, low + LEAST_GAP),
        takes_random=low,
        own_worth=(own_features * weights) @ grouping,
        random_worth=(random_features * weights) @ grouping,
        tolerance=choices.mean_of(users, 1.0 - _variety(model, panel)[:, 0], usual.tolerance),
        patience=patience * (1 + PATIENCE_SPREAD * (2 * draws(seed, users, PATIENCE_DRAW) - 1)),
        habit=np.array([np.nan if habit is None else habit for habit in habits]),
        shares=shares,
    )


def usual_of(model: ChoiceModel, panel: Panel) -> Usual:
    """The figures of all choices in a panel."""
    choices = _Choices(model, panel)
    own = choices.utility[:, 0]
    level = choices.mean_of(choices.users, own, float(own.mean()))  # (N,), of each choice's own user
    slack = _slack(own - level)
    takes = chance(choices.utility - (level - slack)[:, None])
    return Usual(
        level=float(own.mean()),
        slack=slack,
        takes_own=float(takes[:, 0].mean()),
        takes_random=float(takes[:, 1:].mean()),
        own=choices.features[:, 0].mean(axis=0),
        random=choices.features[:, 1:].mean(axis=(0, 1)),
        tolerance=float(1.0 - _variety(model, panel)[:, 0].mean()),
    )


def chance(above: Float64) -> Float64:
    """The chance that a thing is taken whose utility is `above` the threshold: that of a logit with taking nothing."""
    return 1.0 / (1.0 + np.exp(-np.clip(above, -50.0, 50.0)))


class _Choices:
    """A panel under a model. features: (N, J, F). utility: (N, J), to the chooser; the real choice first. users: (N,)."""

    def __init__(self, model: ChoiceModel, panel: Panel) -> None:
        self.users = np.repeat(panel.users, np.diff(panel.offsets))
        self.features = model.standardise(panel.features)
        known = np.array([model.weights_of(int(user)) for user in panel.users])
        rows = np.repeat(np.arange(len(panel.users)), np.diff(panel.offsets))
        self.utility = np.einsum("njf,nf->nj", self.features, known[rows])

    def mean_of(self, users: Int64, values: Float64, usual: float | Float64) -> Float64:
        """The mean of values, (N,) or (N, F), over each user's choices, with PRIOR choices of the usual value: (U,) or (U, F)."""
        order, back = np.unique(users, return_inverse=True)
        place = np.minimum(np.searchsorted(order, self.users), len(order) - 1)
        there = order[place] == self.users
        total = np.zeros((len(order), *values.shape[1:]))
        np.add.at(total, place[there], values[there])
        number = np.bincount(place[there], minlength=len(order)).astype(np.float64)
        number = number.reshape(-1, *[1] * (values.ndim - 1))
        return ((total + PRIOR * np.asarray(usual)) / (number + PRIOR))[back]


def _slack(above_level: Float64) -> float:
    """How far the threshold lies below a user's mean choice for TAKES_OWN of all choices to be taken."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(above_level + middle).mean() < TAKES_OWN else (low, middle)
    return round(high, 6)  # the same on every processor


def _variety(model: ChoiceModel, panel: Panel) -> Float64:
    """How far in categories the alternatives are from the items right before: (N, J), 1 (all new) without categories."""
    if "variety" not in model.columns:
        return np.ones(panel.features.shape[:2])
    return panel.features[:, :, model.columns.index("variety")].astype(np.float64)


def _at(users: Int64, values: Float64, asked: Int64, otherwise: float) -> NDArray[np.float64]:
    """The value of each asked user, (N,); `otherwise` for one who is not among the users."""
    order = np.argsort(users, kind="stable")
    place = np.minimum(np.searchsorted(users[order], asked), len(users) - 1)
    found = order[place]
    return np.where(users[found] == asked, values[found], otherwise)
