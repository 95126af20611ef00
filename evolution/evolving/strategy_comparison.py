"""The document of `compare`: runs of several strategies on equal budgets, and how they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evolution.base import serial
from evolution.domain.run import Run, candidates
from evolution.evolving.curves import (
    best_known,
    best_so_far,
    hits,
    over_seeds,
    ratio,
    trials_to_reach,
)
from simulator.critique import wilson_interval

GOAL = 0.95  # share of the best known objective that counts as the goal


def compare_document(runs: Mapping[str, Sequence[Run]], *, trials: int) -> dict[str, Any]:
    """Curves, trials to the goal and hit rates of all strategies.

    runs: strategy -> one run per seed, all with the same budget of `trials`.
    """
    everyone = [run for group in runs.values() for run in group]
    best = best_known(everyone)
    goal = GOAL * best
    reached = {name: [trials_to_reach(run, goal, trials) for run in group] for name, group in runs.items()}
    return {
        "trials": trials,
        "best_known": best,
        "goal": goal,
        "strategies": {name: _strategy(group, reached[name], trials) for name, group in runs.items()},
        "against": _against(reached),
        "against_best_other": _against_best_other(reached),
        "hit_rate": _hit_rate(everyone),
        "judged": _judged(everyone),
    }


def _strategy(group: Sequence[Run], reached: Sequence[int], trials: int) -> dict[str, Any]:
    curves = np.array([best_so_far(run, trials) for run in group])  # (seeds, trials + 1)
    return {
        "seeds": [run.terms.seed for run in group],
        "runs": [run.id for run in group],
        "curve": [serial.plain(over_seeds(curves[:, place])) for place in range(trials + 1)],
        "trials_to_goal": {
            **serial.plain(over_seeds(reached)),
            "each": list(reached),
            "not_reached": sum(count > trials for count in reached),
        },
        "final": serial.plain(over_seeds(curves[:, -1])),
        "candidates": [len(candidates(run)) for run in group],
        "spent": [dict(run.spent) for run in group],
    }


def _against(reached: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Trials of `directional` to the goal over those of each other strategy; {} if `directional` did not run.

    A run that never reached the goal counts with one trial more than its budget, which flatters its strategy.
    """
    if "directional" not in reached:
        return {}
    return {
        name: serial.plain(ratio(reached["directional"], counts))
        for name, counts in reached.items()
        if name != "directional"
    }


def _against_best_other(reached: Mapping[str, Sequence[int]]) -> dict[str, Any] | None:
    against = _against(reached)
    if not against:
        return None
    best = min(against, key=lambda name: (float(np.mean(reached[name])), name))
    return {"other": best, **against[best]}


def _hit_rate(runs: Sequence[Run]) -> dict[str, Any]:
    """How often a proposal moved its targets the intended way, by proposer, with a 95 % Wilson interval."""
    found = {}
    for proposer, (good, all_) in sorted(hits(runs).items()):
        low, high = wilson_interval(good, all_)
        found[proposer] = {"value": good / all_, "low": low, "high": high, "targets": all_}
    return found


def _judged(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """An LLM's opinions of programs that an LLM wrote; none of them is a measurement."""
    return [
        {"run": run.id, "strategy": run.terms.strategy, **opinion} for run in runs for opinion in run.judged
    ]
