"""Whether the users of sessions choose like those they were made from: their real next choice against random items."""

import numpy as np

from seeds.interactions import Int64, Questions
from simulator.critiques import Fidelity
from simulator.crowd import Crowd
from simulator.features import compute_features
from simulator.fidelity import RANDOM_ITEMS, measure_fidelity
from simulator.population import Population
from simulator.sessions.minds import Minds
from simulator.viewpoint import rounded

USERS_AT_ONCE = 500


def fidelity_of(population: Population, minds: Minds, questions: Questions, seed: int) -> Fidelity:
    """The mean AUC of the users' real next choices. questions: of each mind, with their targets, which go nowhere else."""
    parts = [
        _aucs(population, minds, questions, np.arange(start, min(start + USERS_AT_ONCE, len(minds))), seed)
        for start in range(0, len(minds), USERS_AT_ONCE)
    ]
    known = np.concatenate([np.zeros(0), *parts])
    return measure_fidelity(known[np.isfinite(known)], np.random.default_rng([seed, 2]))


def _aucs(
    population: Population, minds: Minds, questions: Questions, rows: Int64, seed: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Of each row, the share of random items that are worth less than the real choice, ties half: (B,).

    NaN of who had the item before, as pages never offer it, and where no other item is left.
    """
    rng = np.random.default_rng([seed, 6, int(rows[0])])
    targets = questions.targets[rows]
    histories = [questions.history(int(row)) for row in rows]
    drawn = rng.integers(1, population.training.n_items + 1, size=(len(rows), RANDOM_ITEMS))
    had = np.array([np.isin(own, history) for own, history in zip(drawn, histories)]).reshape(drawn.shape)
    others = ~had & (drawn != targets[:, None])
    crowd = Crowd.of(histories, np.concatenate([targets[:, None], drawn], axis=1))
    model = population.model
    features = model.standardise(compute_features(population.shelf.catalogue, crowd, model.columns))
    utility = rounded(np.einsum("bjf,bf->bj", features, minds.weights[rows]))
    real, random = utility[:, :1], utility[:, 1:]
    below = ((random < real) + 0.5 * (random == real)) * others
    number = others.sum(axis=1)
    repeated = np.array([target in history for target, history in zip(targets, histories)])
    return np.where(repeated | (number == 0), np.nan, below.sum(axis=1) / np.maximum(number, 1))
