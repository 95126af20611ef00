"""Compares a child with its parent, paired by user and seed, and checks the guardrails."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolution.base.amounts import number
from evolution.base.places import trial_folder
from evolution.domain.objective import Guardrail, Objective, parse_guardrail
from evolution.domain.proposal import Corrected, Effect
from evolution.domain.trial import Metric, Trial, TrialStatus
from evolution.laboratory.best_of_many import corrected
from evolution.laboratory.program_cost import COST, error_factor, seconds_of, slower
from evolution.trials.artifacts import read_per_user
from evolution.trials.bootstrap import mean_interval, pooled_paired_interval

BOOTSTRAP_SEED = 0
SHOWN = ("NDCG@10", "HR@10", "satisfy@session")  # the last where sessions were held

Pair = tuple[Trial, Trial]  # (parent, child), same seed


@dataclass(frozen=True, kw_only=True)
class Rivals:
    """The other candidates among which one is chosen.

    trials: their first trials; those that were pruned have no values per user. unseen: others of which nothing else is known, such as those that are measured still.
    """

    trials: tuple[Trial, ...] = ()
    unseen: int = 0

    def beside(self, child: Trial) -> "Rivals":
        """The rivals of this one: without itself, and without what was never ranked."""
        ranked = (TrialStatus.COMPLETE, TrialStatus.PRUNED)
        others = {one.id: one for one in self.trials if one.id != child.id and one.status in ranked}
        return Rivals(trials=tuple(others.values()), unseen=self.unseen)


ALONE = Rivals()


def per_user(repo: Path, trial: Trial) -> dict[str, NDArray[np.float64]]:
    """Metric name -> float64 (Q,), one value per validation question; read from the trial's folder."""
    return read_per_user(trial_folder(repo, trial.id))


def objective_effect(repo: Path, objective: Objective, pairs: Sequence[Pair]) -> Effect:
    """The change of the objective with a bootstrap interval, paired by user and pooled over the seeds of `pairs`."""
    before = [objective.per_user(per_user(repo, parent)) for parent, _ in pairs]
    after = [objective.per_user(per_user(repo, child)) for _, child in pairs]
    return _effect(objective.text, before, after)


def corrected_effect(
    repo: Path, objective: Objective, pairs: Sequence[Pair], rivals: Rivals
) -> Corrected | None:
    """The change of the objective, corrected for the choice among the rivals; None if there are none.

    The first pair is the one by which the candidate was chosen, and its parent is that of the rivals.
    """
    known = rivals.beside(pairs[0][1])
    others = [trial for trial in known.trials if trial.status is TrialStatus.COMPLETE]
    unseen = len(known.trials) - len(others) + known.unseen
    if not others and not unseen:
        return None
    before = objective.per_user(per_user(repo, pairs[0][0]))
    seeds = [
        objective.per_user(per_user(repo, child)) - objective.per_user(per_user(repo, parent))
        for parent, child in pairs
    ]
    differences = [objective.per_user(per_user(repo, other)) - before for other in others]
    found = corrected(seeds, differences, unseen=unseen, seed=BOOTSTRAP_SEED)
    return Corrected(
        candidates=1 + len(others) + unseen,
        change=found.change,
        low=found.low,
        high=objective_effect(repo, objective, pairs).high,
        p=found.p,
        rivals=tuple(other.id for other in others),
    )


def pooled_objective(repo: Path, objective: Objective, trials: Sequence[Trial]) -> Metric:
    """The objective of one program over several seeds: each user's mean, with the interval over users."""
    each = [objective.per_user(per_user(repo, trial)) for trial in trials]
    return mean_interval(np.mean(each, axis=0), BOOTSTRAP_SEED)


def metric_effect(repo: Path, name: str, pairs: Sequence[Pair]) -> Effect | None:
    """As `objective_effect`, for one metric; None if the metric has no value per user."""
    tables = [(per_user(repo, parent), per_user(repo, child)) for parent, child in pairs]
    if any(name not in before or name not in after for before, after in tables):
        return None
    return _effect(name, [before[name] for before, _ in tables], [after[name] for _, after in tables])


def _effect(metric: str, before: list[NDArray[np.float64]], after: list[NDArray[np.float64]]) -> Effect:
    difference = pooled_paired_interval(after, before, seed=BOOTSTRAP_SEED)
    return Effect(
        metric=metric,
        before=float(np.mean([values.mean() for values in before])),
        after=float(np.mean([values.mean() for values in after])),
        low=float(difference.low if difference.low is not None else difference.value),
        high=float(difference.high if difference.high is not None else difference.value),
    )


def broken_guardrails(texts: Sequence[str], pairs: Sequence[Pair]) -> list[str]:
    """One sentence for each guardrail that does not hold for the means over seeds of child and parent.

    A cost is measured with an error, and only one that is surely too high is held against a patch.
    """
    broken: list[str] = []
    for text in texts:
        guardrail = parse_guardrail(text)
        if guardrail.name == COST:
            broken += _too_slow(guardrail, pairs)
            continue
        parent, child = (_mean(trials, guardrail.name) for trials in zip(*pairs))
        if not guardrail.holds(child, parent):
            broken.append(
                f"{text} is broken: {guardrail.name} is {number(child)}, the parent's {number(parent)} (no interval)"
            )
    return broken


def _too_slow(guardrail: Guardrail, pairs: Sequence[Pair]) -> list[str]:
    """A sentence where the cost is surely beyond its bound: seconds of a busy machine are off by some."""
    parents, children = [trial for trial, _ in pairs], [trial for _, trial in pairs]
    found, parent = slower(parents, children), seconds_of(parents).epoch
    seconds = seconds_of(children).epoch + found.hidden
    least = found.low * parent if guardrail.relative and parent else seconds / error_factor(children)
    if guardrail.holds(least, parent):
        return []
    limit = f"{guardrail.bound:g}x" if guardrail.relative else guardrail.text
    words = f"{found.times:.1f}x slower, 95 % [{found.low:.1f}, {found.high:.1f}] (limit {limit})"
    if found.hidden:
        words += f", {number(found.hidden)} s of it spent outside of fit(), beyond what the parent does there"
    return [words]


def _mean(trials: Sequence[Trial], name: str) -> float:
    if name == "memory":
        return float(np.mean([trial.cost.peak_memory_bytes for trial in trials]))
    return float(np.mean([trial.metrics[name].value for trial in trials]))
