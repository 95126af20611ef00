"""Does the simulated users' Satisfy rank models as held-out accuracy does? Over models of very different strength.

    python tests/bench/fidelity.py [--data shop-demo | ml-100k | amazon-games | FOLDER] [--users 500] [--seeds sasrec gru4rec ncf]

The models: the reference rankers, the same with a fault planted in them, and seeds after few and after more epochs. All meet the same
users, and each has its NDCG@10 on validation over all users. Spearman's rank correlation of the two must be at least .8.
Models that the file of results holds for as many users are not measured again; with --again all are.
Exit code 1 where the correlation is lower, or below 12 models.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
from figures import RESULTS, SHARED_DATA, record
from scipy.stats import rankdata
from seed_repos import Answers, ItemKnn, ndcg

from evolution.base import serial
from seeds.interactions import Float32, Int64, Interactions
from seeds.loading import load
from seeds.metrics.intervals import mean_over_users
from seeds.new import TEMPLATES
from seeds.references import Ranker, fit
from seeds.split import LeaveLastTwoOut, Split, split
from simulator.sessions.draws import draws
from simulator.sessions.figures import figures_of
from simulator.sessions.recommenders import AtRandom, asking
from simulator.sessions.sessions import Participants, gather_participants
from tests.evolution.recipes.on_seeds import entry, handed

LEAST, LEAST_MODELS = 0.8, 12
EPOCHS = (1, 3, 8, 16)  # after which a seed is measured
REFERENCES = ("popularity", "markov", "ease")
Made = tuple[str, Ranker]


class Altered:
    """A ranker that is handed other histories, or whose scores are changed."""

    def __init__(
        self,
        ranker: Ranker,
        *,
        histories: Callable[[Int64], Int64] = lambda one: one,
        scores: Callable[[Int64, Float32], Float32] = lambda users, one: one,
    ) -> None:
        self._ranker, self._histories, self._scores = ranker, histories, scores

    def score(self, users: Int64, histories: Int64) -> Float32:
        """See `seeds.references.Ranker`."""
        return self._scores(users, self._ranker.score(users, self._histories(histories)))


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", default="shop-demo")
    asked.add_argument("--users", type=int, default=500)
    asked.add_argument("--seeds", nargs="*", default=["sasrec", "gru4rec", "ncf"])
    asked.add_argument("--again", action="store_true", help="measure all models anew")
    options = asked.parse_args()
    log = load(options.data, root=SHARED_DATA)
    parts, name = split(log, LeaveLastTwoOut()), f"fidelity-{Path(options.data).name}"
    measured = {} if options.again else kept(name, options.users)
    participants = gather_participants(
        training=parts.training, questions=parts.validation, n_users=options.users, seed=0
    )
    for model, ranker in models(parts.training, options.seeds, set(measured)):
        if model not in measured:
            measured[model] = measure(ranker, parts, participants)
            print(model, measured[model], file=sys.stderr, flush=True)
            record(name, told(options.users, participants, measured))
    figures = told(options.users, participants, measured)
    record(name, figures)
    return 0 if figures["spearman"]["satisfy"] >= LEAST and len(measured) >= LEAST_MODELS else 1


def kept(name: str, users: int) -> dict[str, Any]:
    """What an earlier call measured for as many users."""
    path = RESULTS / f"{name}.json"
    document = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return document["models"] if document.get("users_asked") == users else {}


def models(training: Interactions, seeds: list[str], known: set[str]) -> Iterator[Made]:
    """Every model with its name. Seeds of which all figures are known are not trained again."""
    yield from references(training)
    data = handed(training)
    for seed in seeds:
        if {f"{seed}, {epochs} epochs" for epochs in EPOCHS} - known:
            with entry(TEMPLATES / seed) as build:
                yield from trained(seed, build(data, device="cpu", seed=0))


def references(training: Interactions) -> Iterator[Made]:
    """The reference rankers, as they are and with faults."""
    held: dict[str, Ranker] = {name: fit(name, training) for name in REFERENCES}
    held |= {"item neighbours": ItemKnn(training), "random": AtRandom(training.n_items, 1)}
    yield from held.items()
    items = np.arange(training.n_items + 1)
    counts = np.bincount(training.items, minlength=len(items)).astype(np.float32)
    ease, markov = held["ease"], held["markov"]
    for words, strength in (("some", 0.5), ("much", 2.0)):
        yield f"ease, {words} noise", Altered(ease, scores=_noise(items, strength))
    yield "ease, five oldest events", Altered(ease, histories=_oldest)
    yield (
        "ease, rare items first",
        Altered(ease, scores=lambda users, one: (one / np.sqrt(counts + 1)).astype(np.float32)),
    )
    yield (
        "ease, popularity added",
        Altered(ease, scores=lambda users, one: (one + counts / counts.max()).astype(np.float32)),
    )
    yield "markov, last event ignored", Altered(markov, histories=_without_last)
    yield "least popular", Altered(held["popularity"], scores=lambda users, one: -one)


def _noise(items: Int64, strength: float) -> Callable[[Int64, Float32], Float32]:
    """Adds to scores uniform noise, `strength` times as wide as the step from their mean to their highest."""

    def altered(users: Int64, scores: Float32) -> Float32:
        width = strength * (scores.max(axis=1) - scores.mean(axis=1))[:, None]
        return (scores + width * draws(3, users[:, None], items[None])).astype(np.float32)

    return altered


def _without_last(histories: Int64) -> Int64:
    """Moved by one place: the event before the last one becomes the newest, where there is one."""
    moved = np.pad(histories[:, :-1], ((0, 0), (1, 0)))
    return np.where(moved[:, -1:] > 0, moved, histories)


def _oldest(histories: Int64) -> Int64:
    """The five oldest events of each history, the newest of them last."""
    return np.stack([np.pad(own[own > 0][:5], (5 - min(5, int((own > 0).sum())), 0)) for own in histories])


def trained(seed: str, recommender: Any) -> Iterator[Made]:
    """One seed after each number of EPOCHS."""
    for epoch, _ in enumerate(recommender.fit(), start=1):
        if epoch in EPOCHS:
            yield f"{seed}, {epoch} epochs", Answers(recommender)
        if epoch == EPOCHS[-1]:
            return


def measure(ranker: Ranker, parts: Split, participants: Participants) -> dict[str, Any]:
    """Accuracy over all users and figures of sessions, each with its 95 % interval."""
    started, n_items = time.process_time(), parts.training.n_items
    accuracy = mean_over_users(np.asarray(ndcg(ranker, parts.validation, n_items)), 0)
    figures = figures_of(participants.walk.sessions(asking(ranker, n_items)), 0)
    shown = {"ndcg_at_10": accuracy, "satisfy": figures.satisfy, "view": figures.view, "depth": figures.depth}
    return {
        **{
            name: {key: round(value, 4) for key, value in serial.plain(one).items()}
            for name, one in shown.items()
        },
        "cpu_s": round(time.process_time() - started, 1),
    }


def told(users: int, participants: Participants, measured: dict[str, Any]) -> dict[str, Any]:
    accuracy = [one["ndcg_at_10"]["value"] for one in measured.values()]
    correlations = {
        name: spearman(accuracy, [one[name]["value"] for one in measured.values()])
        for name in ("satisfy", "view", "depth")
        if len(measured) > 2
    }
    fidelity = participants.fidelity
    return {
        "users_asked": users,
        "auc": {name: round(getattr(fidelity, name), 4) for name in ("auc", "low", "high")},
        "n_models": len(measured),
        "spearman": correlations,
        "least": LEAST,
        "models": measured,
    }


def spearman(one: list[float], other: list[float]) -> float:
    """The rank correlation of two lists of figures of the same models."""
    return round(float(np.corrcoef(rankdata(one), rankdata(other))[0, 1]), 3)


if __name__ == "__main__":
    sys.exit(main())
