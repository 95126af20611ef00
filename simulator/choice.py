"""The model of why users choose: a conditional logit with weights per user, shrunk towards the common weights.

The utility of item i for user u at one moment is `w_u . x`; the probability of choosing i is the softmax of the
utilities over the alternatives (McFadden 1974). Weights are `w_u ~ Normal(w, diag(t^2))`; w and t are estimated by
expectation maximisation with a Laplace approximation at each user's mode (hierarchical multinomial logit, Train 2009,
chapter 12). So the weights of a user with few choices stay near w, and t tells how much users differ.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from seeds.interactions import Float32, Int64
from simulator.panel import Panel
from simulator.transitions import Float64

ROUNDS = 8
FIRST_SPREAD = 0.3  # initial standard deviation of weights between users
WEAK_PRIOR = 1e-2  # precision of the prior on the common weights; keeps a column without information at 0


@dataclass(frozen=True, kw_only=True, eq=False)
class ChoiceModel:
    """A fitted choice model with F features and U users.

    columns: names of the features
    centre, scale: float64 (F,), mean and standard deviation of features over untaken alternatives
    weights: float64 (F,), common weights per standard deviation
    spread: float64 (F,), standard deviation of weights between users
    users: int64 (U,), ascending
    user_weights: float64 (U, F)
    """

    columns: tuple[str, ...]
    centre: Float64
    scale: Float64
    weights: Float64
    spread: Float64
    users: Int64
    user_weights: Float64

    def standardise(self, features: Float32 | Float64) -> Float64:
        """Raw features (..., F) in standard deviations of the untaken alternatives."""
        return (features - self.centre) / self.scale

    def weights_of(self, user: int) -> Float64:
        """The user's weights, float64 (F,); the common weights for a user whom the model was not fitted on."""
        place = int(np.searchsorted(self.users, user))
        if place < len(self.users) and self.users[place] == user:
            return self.user_weights[place]
        return self.weights


def fit_choice_model(panel: Panel) -> ChoiceModel:
    """Fit common and personal weights.

    A panel without choices gives weights of 0, under which all items are equal.
    """
    n_columns = len(panel.columns)
    if not len(panel.features):
        return _indifferent(panel)
    untaken = panel.features[:, 1:].reshape(-1, n_columns).astype(np.float64)
    centre, spread = untaken.mean(axis=0), untaken.std(axis=0)
    scale = np.where(spread > 1e-6, spread, 1.0)
    # float64, because in float32 the weight of a signal that separates choices perfectly is decided by rounding errors
    features = (panel.features - centre) / scale  # (N, 1 + NEGATIVES, F)
    weights = _fit_common(features)
    personal = np.tile(weights, (len(panel.users), 1))  # (U, F)
    variance = np.full(n_columns, FIRST_SPREAD**2)
    for _ in range(ROUNDS):
        personal, uncertainty = _step_users(features, panel.offsets, personal, weights, variance)
        weights = personal.mean(axis=0)
        variance = np.maximum(((personal - weights) ** 2 + uncertainty).mean(axis=0), 1e-4)
    return ChoiceModel(
        columns=panel.columns,
        centre=centre,
        scale=scale,
        weights=weights,
        spread=np.sqrt(variance),
        users=panel.users,
        user_weights=personal,
    )


def weights_given(model: ChoiceModel, panel: Panel) -> Float64:
    """The weights of the panel's users, (U, F), given the common weights and spread of a model that was fitted on others."""
    features = model.standardise(panel.features)
    personal = np.tile(model.weights, (len(panel.users), 1))
    if not np.any(model.spread):
        return personal
    for _ in range(ROUNDS):
        personal, _ = _step_users(features, panel.offsets, personal, model.weights, model.spread**2)
    return personal


def _indifferent(panel: Panel) -> ChoiceModel:
    zero = np.zeros(len(panel.columns))
    return ChoiceModel(
        columns=panel.columns,
        centre=zero,
        scale=np.ones(len(zero)),
        weights=zero,
        spread=zero,
        users=panel.users,
        user_weights=np.zeros((len(panel.users), len(zero))),
    )


def _slope_and_curvature(features: Float64, weights: Float64) -> tuple[Float64, Float64]:
    """Gradient (F,) and negated Hessian (F, F) of the log-likelihood of choices (N, J, F), the chosen item first."""
    utility = features @ weights  # (N, J)
    chance = np.exp(utility - utility.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    mean = (chance[:, None, :] @ features)[:, 0]  # (N, F)
    flat = features.reshape(-1, features.shape[-1])
    curvature = flat.T @ (flat * chance.reshape(-1, 1)) - mean.T @ mean
    slope = features[:, 0].sum(axis=0) - mean.sum(axis=0)
    return slope, curvature


def _fit_common(features: Float64) -> Float64:
    weights = np.zeros(features.shape[-1])
    prior = WEAK_PRIOR * np.eye(len(weights))
    for _ in range(8):
        slope, curvature = _slope_and_curvature(features, weights)
        step = np.linalg.solve(curvature + prior, slope - prior @ weights)
        weights = weights + step / max(1.0, float(np.abs(step).max()))  # a long Newton step is cut to 1
    return weights


def _step_users(
    features: Float64, offsets: Int64, personal: Float64, weights: Float64, variance: Float64
) -> tuple[Float64, Float64]:
    """One Newton step of every user's weights, and their posterior variance: both (U, F)."""
    moved, uncertainty = np.empty_like(personal), np.empty_like(personal)
    precision = 1.0 / variance
    for user, (start, stop) in enumerate(pairwise(offsets)):
        if start == stop:
            moved[user], uncertainty[user] = weights, variance
            continue
        slope, curvature = _slope_and_curvature(features[start:stop], personal[user])
        covariance = np.linalg.inv(curvature + np.diag(precision))
        step = covariance @ (slope - precision * (personal[user] - weights))
        moved[user] = personal[user] + step / max(1.0, float(np.abs(step).max()))
        uncertainty[user] = np.diag(covariance)
    return moved, uncertainty
