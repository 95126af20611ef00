"""From a worker's lists to numbers. The labels are here and nowhere near the worker. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import TopLists
from evolution.domain.objective import Objective
from evolution.domain.trial import Metric
from evolution.trials.bootstrap import mean_interval, mean_intervals
from evolution.trials.failing import broken_contract
from seeds.interactions import Float32, Interactions, Questions
from seeds.metrics import list_metrics, sampled_metrics, user_metrics

OBJECTIVE = "objective"
ROUNDING = 1e-9
PerUser = Mapping[str, NDArray[np.float64]]
_LISTED = ("coverage@10", "gini@10", "novelty@10", "diversity@10")


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranking:
    """One ranking of all questions.

    per_user: metric -> float64 (Q,), "objective" among them, as far as what is there tells it.
    """

    lists: TopLists
    per_user: PerUser

    @property
    def means(self) -> dict[str, float]:
        return {name: float(values.mean()) for name, values in self.per_user.items()}


def fingerprint(lists: TopLists) -> str:
    """16 hex digits that change with any bit of the lists and their scores."""
    digest = hashlib.sha256()
    for array in (lists.items, lists.scores):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def judged(lists: TopLists, questions: Questions, objective: Objective) -> Ranking:
    """By what lists alone tell of the objective. Raises TrialFailed where a metric leaves its range, which no possible list brings about."""
    metrics = user_metrics(lists.items, lists.scores, lists.ties, questions.targets)
    for name, values in metrics.items():
        _check_range(name, values)
    return Ranking(lists=lists, per_user={**metrics, OBJECTIVE: objective.of_lists.per_user(metrics)})


def _check_range(name: str, values: NDArray[np.float64]) -> None:
    """Each from 0 to 1, as lists are longer than every cutoff. What is beyond is never clipped: it is a forgery or a bug."""
    wrong = np.flatnonzero(~((values >= 0.0) & (values <= 1.0 + ROUNDING)))
    if len(wrong):
        value = values[wrong[0]]
        words = f"{name} of {len(wrong)} users is out of range, the first is {value:g}, expected 0 to 1"
        raise broken_contract(f"the ranking is impossible: {words}")


def with_intervals(per_user: PerUser, seed: int) -> dict[str, Metric]:
    """Mean and interval of every metric but the objective, which `objective_metric` gives."""
    return mean_intervals({name: values for name, values in per_user.items() if name != OBJECTIVE}, seed)


def objective_metric(per_user: PerUser, objective: Objective, seed: int) -> Metric | None:
    """Mean and interval of the whole objective; None while it lacks figures of sessions that were not held yet."""
    if any(name not in per_user for name in objective.terms):
        return None
    return mean_interval(per_user[OBJECTIVE], seed)


def list_figures(lists: TopLists, training: Interactions) -> dict[str, Metric]:
    """Coverage, Gini, novelty, diversity at 10: figures of all lists together, which have no interval."""
    figures = list_metrics(lists.items, training)
    return {name: Metric(value=figures[name], low=None, high=None) for name in _LISTED if name in figures}


def sampled_figures(
    dense: Float32, rows: NDArray[np.int32], questions: Questions, training: Interactions, seed: int
) -> dict[str, Metric]:
    """The paper's 1+99 protocol on the sample, "sampled-HR@10" and so on. dense: (S, n_items + 1)."""
    per_user = sampled_metrics(dense, rows, questions, training)
    return {f"sampled-{name}": metric for name, metric in mean_intervals(per_user, seed).items()}
