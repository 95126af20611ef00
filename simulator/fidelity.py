"""Measures how far personas can be trusted: whether they tell their user's real next choice from random items.

The AUC of one user is the share of random untouched items that the persona likes less than the real next choice
(ties count half). Chance is .5. An LLM-played persona ranks a small set instead of scoring items.
"""

from collections.abc import Sequence

import numpy as np

from seeds.metrics.intervals import mean_over_users
from simulator.critiques import CHANCE, Fidelity, Silent
from simulator.transitions import Float64
from simulator.viewpoint import Viewpoint

RANDOM_ITEMS = 100
TESTED = 30  # users of a trait from which its fidelity is judged apart


def user_auc(real: float, random: Float64) -> float:
    """Share of `random` utilities below `real`, ties half."""
    return float((random < real).mean() + 0.5 * (random == real).mean())


def next_choice_auc(view: Viewpoint, target: int, rng: np.random.Generator) -> float | None:
    """AUC of one user's real next choice; None if the user had that item before, or if no other items are left."""
    target_row = view.rows(np.array([target], dtype=np.int64))
    others = np.setdiff1d(np.arange(len(view.items)), target_row)
    if not len(target_row) or not len(others):
        return None
    drawn = rng.choice(others, size=min(RANDOM_ITEMS, len(others)), replace=False)
    return user_auc(float(view.utility[target_row[0]]), view.utility[drawn])


def measure_fidelity(per_user: Float64, rng: np.random.Generator) -> Fidelity:
    """Mean AUC over users, (U,), with its 95 % percentile bootstrap interval; without
    users, chance with interval (0, 1).
    """
    if not len(per_user):
        return Fidelity(auc=CHANCE, low=0.0, high=1.0, users=0)
    auc = mean_over_users(per_user, rng)
    return Fidelity(auc=auc.value, low=auc.low, high=auc.high, users=len(per_user))


def silent_traits(
    traits: Sequence[tuple[str, ...]], aucs: Sequence[float | None], seed: Sequence[int]
) -> tuple[Silent, ...]:
    """The traits whose users are at chance level: their interval holds .5. traits, aucs: of each user, None for one not tested."""
    by_trait: dict[str, list[float]] = {}
    for own, auc in zip(traits, aucs, strict=True):
        for trait in own if auc is not None else ():
            by_trait.setdefault(trait, []).append(float(auc or 0.0))
    measured = {
        trait: measure_fidelity(np.array(values), np.random.default_rng([*seed, place]))
        for place, (trait, values) in enumerate(sorted(by_trait.items()))
        if len(values) >= TESTED
    }
    return tuple(
        Silent(trait=trait, fidelity=fidelity)
        for trait, fidelity in measured.items()
        if not fidelity.beats_chance
    )


def ranking_auc(ranking: Sequence[int], target: int) -> float:
    """Share of the other items that a ranking, best first, places below the target."""
    return 1.0 - ranking.index(target) / (len(ranking) - 1)
