"""Whole sessions of simulated users: whether their Satisfy orders recommenders as accuracy does, and what they cost.

    python tests/bench/sessions.py [--data shop-demo | --data ml-100k] [--users 1000] [--repo FOLDER]

Trains the sasrec seed as `evolverec train` does (minutes), or takes the newest complete trial of a repo that has one. Random
items, best-sellers, first-order Markov, EASE and the trained model meet the same users; each has its Satisfy and its NDCG@10
on validation. The order must be random < popularity < markov < trained, each step by more than its paired 95 % interval.
How much a user forgets is an assumption, so the same is measured with no memory and with twice as much. own_cpu_s: of our
process, with the training of personas and the baselines, without the model's, which answers in its own. Exit code 1
where the order or the limit of time does not hold.
"""

import argparse
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
from figures import SHARED_DATA, record
from laboratory import opened_laboratory

from evolution.domain.trial import Trial, TrialStatus
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.sessions import answering
from evolution.repo.new_repo import make_repo
from seeds.metrics import user_metrics
from seeds.metrics.intervals import MeanInterval, mean_over_users
from seeds.references import fit, rank
from simulator.sessions.figures import by_user, figures_of, weighted_mean
from simulator.sessions.memory import ASSUMED, Strength
from simulator.sessions.recommenders import AtRandom, asking, baselines
from simulator.sessions.records import Ask, Sessions
from simulator.sessions.sessions import Participants, gather_participants
from simulator.sessions.walking import Walk

ORDER = ("random", "popularity", "markov", "trained")
LIMIT_S = 30.0
MEMORIES = {
    "none": Strength(boredom=0.0, distrust=0.0),
    "as assumed": ASSUMED,
    "twice": Strength(boredom=2 * ASSUMED.boredom, distrust=2 * ASSUMED.distrust),
}


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", default="shop-demo")
    asked.add_argument("--users", type=int, default=1000)
    asked.add_argument("--repo", type=Path, help="a repo with a complete trial, in place of a training")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-sessions-") as scratch:
        repo = options.repo or Path(scratch) / "repo"
        if options.repo is None:
            source = options.data if options.data.startswith("shop-") else str(SHARED_DATA / options.data)
            make_repo("sasrec", repo, source)
        with opened_laboratory(repo) as laboratory:
            figures = measured(laboratory, options.users)
    record(f"sessions-{options.data}", figures)
    return 0 if figures["ordered"] and figures["own_cpu_s"] <= LIMIT_S else 1


def measured(laboratory: Laboratory, users: int) -> dict[str, Any]:
    trial, data = _trial(laboratory), laboratory.data
    begun = time.process_time()
    participants = gather_participants(
        training=data.training, questions=data.validation, n_users=users, seed=0
    )
    with answering(laboratory, trial) as model:
        ask = model.ask
        held = {"trained": participants.walk.sessions(ask)}
        held |= {name: participants.walk.sessions(one) for name, one in baselines(data.training, 0).items()}
        own_cpu_s = time.process_time() - begun
        others: dict[str, Ask] = {**baselines(data.training, 0), "trained": ask}
        by_memory = {
            name: _satisfied(participants.walk, strength, others) for name, strength in MEMORIES.items()
        }
    ease = asking(fit("ease", data.training), data.training.n_items)
    steps = {
        f"{better} over {worse}": _shown(_gain(held[better], held[worse]))
        for worse, better in pairwise(ORDER)
    }
    return {
        "users": len(participants.walk.minds),
        "auc": _shown(participants.fidelity),
        "satisfy": {name: _figures(one) for name, one in held.items()}
        | {"ease": _figures(participants.walk.sessions(ease))},
        "ndcg_at_10": {**_accuracy(laboratory), "trained": _metric(trial)},
        "steps": steps,
        "ordered": all(step["low"] > 0 for step in steps.values()),
        "satisfy_by_memory": by_memory,
        "own_cpu_s": round(own_cpu_s, 1),
        "limit_s": LIMIT_S,
        "agree_on_a_repeat": _repeats(participants, laboratory),
    }


def _trial(laboratory: Laboratory) -> Trial:
    """The newest complete one of the repo, else a training."""
    program = laboratory.user_program()
    for trial in laboratory.context.store.trials(program):
        if trial.status is TrialStatus.COMPLETE:
            return trial
    return laboratory.trial(program, seed=laboratory.config.training.seed, label="sasrec")


def _satisfied(walk: Walk, strength: Strength, others: dict[str, Ask]) -> dict[str, Any]:
    """Recommender -> its Satisfy where memory counts so much."""
    other = Walk(
        population=walk.population,
        minds=walk.minds,
        questions=walk.questions,
        seed=walk.seed,
        strength=strength,
    )
    return {name: _shown(figures_of(other.sessions(ask), 0).satisfy) for name, ask in others.items()}


def _repeats(participants: Participants, laboratory: Laboratory) -> float:
    """The rank correlation of users' Satisfy with two seeds of their luck, of the Markov ranker's pages."""
    from scipy.stats import rankdata

    walk, ask = participants.walk, baselines(laboratory.data.training, 0)["markov"]
    other = Walk(population=walk.population, minds=walk.minds, questions=walk.questions, seed=walk.seed + 1)
    one, again = (by_user(each.sessions(ask))["satisfy"] for each in (walk, other))
    return round(float(np.corrcoef(rankdata(one), rankdata(again))[0, 1]), 3)


def _accuracy(laboratory: Laboratory) -> dict[str, Any]:
    data = laboratory.data
    questions, n_items = data.validation, data.training.n_items
    rankers = {name: fit(name, data.training) for name in ("popularity", "markov", "ease")}
    found = {}
    for name, ranker in {**rankers, "random": AtRandom(n_items, 1)}.items():
        top = rank(ranker, questions, n_items)
        ndcg = user_metrics(top.items, top.scores, top.ties, questions.targets)["NDCG@10"]
        found[name] = _shown(mean_over_users(np.asarray(ndcg), 0))
    return found


def _metric(trial: Trial) -> dict[str, Any]:
    metric = trial.metrics["NDCG@10"]
    return {"value": metric.value, "low": metric.low, "high": metric.high}


def _gain(better: Sessions, worse: Sessions) -> MeanInterval:
    return weighted_mean(by_user(better)["satisfy"] - by_user(worse)["satisfy"], better.shares, 0)


def _figures(sessions: Sessions) -> dict[str, Any]:
    figures = figures_of(sessions, 0)
    shown = {name: _shown(getattr(figures, name)) for name in ("satisfy", "view", "depth")}
    return {**shown, "exits": {one.value: round(share.value, 3) for one, share in figures.exits.items()}}


def _shown(figure: Any) -> dict[str, float]:
    value = figure.auc if hasattr(figure, "auc") else figure.value
    return {
        name: round(number, 4)
        for name, number in (("value", value), ("low", figure.low), ("high", figure.high))
    }


if __name__ == "__main__":
    sys.exit(main())
