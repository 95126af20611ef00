"""The next settings to try: Optuna's TPE over a space, from what is known of the settings that were tried.

Pure: the study is made anew from the settings that were tried, so that a killed search goes on where it was, and the same trials
lead to the same next setting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evolution.tuning.ranges import Range, rounded
from evolution.tuning.space import Dimension, Space, Values

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

STARTUP = 5  # settings, the program's own included, before TPE models which ones are good
KEPT = 0.5  # chance that a number keeps the value of the best setting: few numbers make a difference, and few trials find it


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A setting and the objective that it reached; of one that failed the worst known."""

    values: Values
    objective: float


def suggest(space: Space, tried: Sequence[Tried], *, count: int, seed: int) -> list[Values]:
    """`count` settings to try next, none of which was tried; fewer where the space has no more.

    tried: at least one, the program's own setting first. seed: of the search; the same tries and seed give the same settings.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(
        seed=(seed * 1_000 + len(tried)) % 2**32, n_startup_trials=STARTUP, multivariate=True
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = {one.key: _distribution(one.range) for one in space.dimensions}
    for one in tried:
        params = _params(space, one.values)
        study.add_trial(
            optuna.trial.create_trial(value=one.objective, params=params, distributions=distributions)
        )
    best = _params(space, max(tried, key=lambda one: one.objective).values)
    rng = np.random.default_rng([seed, len(tried)])
    known = {one.values for one in tried}
    found: list[Values] = []
    for _ in range(20 * count):
        if len(found) == count:
            break
        study.enqueue_trial(_kept(best, rng))
        trial = study.ask(distributions)
        values = _values(space, trial.params)
        if values in known:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        known.add(values)
        found.append(values)
    return found


def _kept(best: Mapping[str, float], rng: np.random.Generator) -> dict[str, float]:
    """The values of the best setting that are not drawn anew, never all of them."""
    drawn = rng.random(len(best)) < KEPT
    drawn[int(rng.integers(len(best)))] = False
    return {key: value for (key, value), keeps in zip(best.items(), drawn) if keeps}


def _distribution(range_: Range) -> "BaseDistribution":
    from optuna.distributions import FloatDistribution, IntDistribution

    if range_.choices:  # by their place in the order
        return IntDistribution(0, len(range_.choices) - 1)
    return FloatDistribution(range_.low, range_.high, log=range_.log)


def _params(space: Space, values: Values) -> dict[str, float]:
    return {one.key: _param(one, value) for one, value in zip(space.dimensions, values)}


def _param(dimension: Dimension, value: float) -> float:
    found = dimension.range
    if found.choices:
        return found.choices.index(value)
    return float(min(max(value, found.low), found.high))


def _values(space: Space, params: Mapping[str, float]) -> Values:
    return tuple(_value(one, params[one.key]) for one in space.dimensions)


def _value(dimension: Dimension, param: float) -> int | float:
    found = dimension.range
    if found.choices:
        return found.choices[int(param)]
    return dimension.value if param == dimension.value else rounded(param)
