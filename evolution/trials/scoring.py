"""From a worker's lists to numbers. The labels are here and nowhere near the worker. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import TopLists
from evolution.domain.objective import Objective
from evolution.domain.trial import Metric
from evolution.trials.bootstrap import mean_interval, mean_intervals
from seeds.interactions import Float32, Interactions, Questions
from seeds.metrics import list_metrics, sampled_metrics, user_metrics

OBJECTIVE = "objective"
PerUser = Mapping[str, NDArray[np.float64]]
_LISTED = ("coverage@10", "gini@10", "novelty@10", "diversity@10")


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranking:
    """One ranking of all questions. per_user: metric -> float64 (Q,), "objective" among them."""

    lists: TopLists
    per_user: PerUser

    @property
    def means(self) -> dict[str, float]:
        return {name: float(values.mean()) for name, values in self.per_user.items()}


def judged(lists: TopLists, questions: Questions, objective: Objective) -> Ranking:
    metrics = user_metrics(lists.items, lists.scores, lists.ties, questions.targets)
    return Ranking(lists=lists, per_user={**metrics, OBJECTIVE: objective.per_user(metrics)})


def with_intervals(per_user: PerUser, seed: int) -> dict[str, Metric]:
    """Mean and interval of every metric but the objective, which `objective_metric` gives."""
    return mean_intervals({name: values for name, values in per_user.items() if name != OBJECTIVE}, seed)


def objective_metric(per_user: PerUser, seed: int) -> Metric:
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


def impossible_answer(lists: TopLists, n_items: int) -> str:
    """Why no ranking can have given these lists, "" where one can: ids, scores and ties out of range. Cheap."""
    items, scores, ties = lists.items, lists.scores, lists.ties
    if (items < 0).any() or (items > n_items).any():
        return f"a list holds an id outside 1..{n_items}"
    if np.isnan(scores).any() or np.isposinf(scores).any():
        return "a list holds a score that is not finite"
    if (ties < 0).any() or (ties > n_items).any():
        return f"a list says that fewer than 0 or more than {n_items} items are tied"
    return ""


def problem_with(lists: TopLists, questions: Questions, n_items: int) -> str:
    """Why these lists cannot be true, "" where they can: ids, order, repeats, and items seen before."""
    impossible = impossible_answer(lists, n_items)
    if impossible:
        return impossible
    items, scores = lists.items, lists.scores
    filled = items > 0
    if (scores[:, 1:] > scores[:, :-1]).any():
        return "a list is not in the order of its scores"
    keys = (np.arange(len(items), dtype=np.int64)[:, None] * (n_items + 1) + items)[filled]
    if len(np.unique(keys)) != len(keys):
        return "a list holds an item twice"
    rows = np.repeat(np.arange(len(questions), dtype=np.int64), np.diff(questions.offsets))
    seen = np.sort(rows * (n_items + 1) + questions.items)
    found = np.minimum(np.searchsorted(seen, keys), max(len(seen) - 1, 0))
    if len(seen) and (seen[found] == keys).any():
        return "a list holds an item that the user has seen"
    return ""
