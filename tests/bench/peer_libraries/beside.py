"""The reference rankers on the split of a comparison."""

from typing import Any

from seed_repos import ItemKnn

from evolution.base import serial
from evolution.trials.bootstrap import mean_interval
from seeds.references import NAMES, fit
from seeds.split import Split

from .handover import answers, ndcg


def references(parts: Split) -> dict[str, Any]:
    """NDCG@10 on test with its interval: popularity, Markov, EASE, item-KNN."""
    training = parts.training
    rankers = {**{name: fit(name, training) for name in NAMES}, "item-knn": ItemKnn(training)}
    return {
        name: serial.plain(
            mean_interval(ndcg(answers(ranker, parts.test, training.n_items, max_history=200), parts.test), 0)
        )
        for name, ranker in rankers.items()
    }
