"""How good the seeds are as they come, beside the reference rankers: full ranking, trained as `evolverec train` trains them.

    python tests/bench/seed_repos.py [--data shop-demo | --data ml-100k | --data FOLDER] [--seed NAME] [--epochs 60]

A seed trains until its validation NDCG@10 has not risen for `patience` epochs, and its best epoch answers. Every figure is
NDCG@10 with a 95 % interval over users; train_s is wall time on one thread, rankings aside, and cpu_s_per_epoch what
a busy machine does not change. Seeds that are not asked for keep their
figures from the file.
"""

import argparse
import copy
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import RESULTS, ROOT, SHARED_DATA, record

sys.path.insert(0, str(ROOT))
import numpy as np
import torch

from evolution.base import serial
from evolution.trials.bootstrap import mean_interval
from seeds.interactions import Float32, Int64, Interactions, Questions
from seeds.loading import built_in, load
from seeds.metrics import user_metrics
from seeds.new import seed_names
from seeds.references import NAMES, Ranker, fit, rank
from seeds.split import LeaveLastTwoOut, Split, split
from tests.evolution.recipes.on_seeds import entry, handed

PATIENCE = 5
NEIGHBOURS = 100


class ItemKnn:
    """Cosine similarity of items by the users that they share, each item's NEIGHBOURS nearest; a history's items add up."""

    def __init__(self, training: Interactions) -> None:
        taken = np.zeros((training.n_users + 1, training.n_items + 1), np.float32)
        taken[training.users, training.items] = 1
        together = taken.T @ taken
        length = np.sqrt(np.maximum(np.diag(together), 1))
        similar = together / np.outer(length, length)
        np.fill_diagonal(similar, 0)
        least = -np.sort(-similar, axis=1)[:, min(NEIGHBOURS, len(similar)) - 1]
        self._similar = np.where(similar >= least[:, None], similar, 0)

    def score(self, users: Int64, histories: Int64) -> Float32:
        bags = np.zeros((len(histories), len(self._similar)), np.float32)
        rows = np.nonzero(histories)[0]
        bags[rows, histories[histories > 0]] = 1
        return bags @ self._similar


class Answers:
    """A recommender of the contract as a reference ranker."""

    def __init__(self, recommender: Any) -> None:
        self.recommender = recommender

    def score(self, users: Any, histories: Any) -> Any:
        return self.recommender.score(users, histories).numpy()


def ndcg(ranker: Ranker, questions: Questions, n_items: int) -> Any:
    """Of each user: float64 (Q,)."""
    top = rank(ranker, questions, n_items)
    return user_metrics(top.items, top.scores, top.ties, questions.targets)["NDCG@10"]


def both(ranker: Ranker, parts: Split) -> dict[str, Any]:
    n = parts.training.n_items
    return {
        name: serial.plain(mean_interval(ndcg(ranker, questions, n), 0))
        for name, questions in (("validation", parts.validation), ("test", parts.test))
    }


def trained(name: str, parts: Split, epochs: int) -> dict[str, Any]:
    """Figures of one seed, with its training time."""
    with entry(ROOT / "seeds" / "repos" / name) as build:
        begun = time.perf_counter()
        model = build(handed(parts.training), device="cpu", seed=0)
        spent, at_work, curve, best = time.perf_counter() - begun, 0.0, [], {}
        going = iter(model.fit())
        for _ in range(epochs):
            begun, worked = time.perf_counter(), time.process_time()
            next(going)
            spent += time.perf_counter() - begun
            at_work += time.process_time() - worked
            curve.append(float(ndcg(Answers(model), parts.validation, parts.training.n_items).mean()))
            if curve[-1] == max(curve):
                best = copy.deepcopy(model.state_dict())
            if len(curve) - 1 - int(np.argmax(curve)) >= PATIENCE:
                break
        model.load_state_dict(best)
        figures = both(Answers(model), parts)
    n = len(curve)
    return {**figures, "epochs": n, "train_s": round(spent, 1), "cpu_s_per_epoch": round(at_work / n, 2)}


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--data", default="shop-demo")
    asked.add_argument("--seed", choices=seed_names())
    asked.add_argument("--epochs", type=int, default=60)
    given = asked.parse_args()
    torch.set_num_threads(1)
    known_data = given.data in built_in() or Path(given.data).exists()
    source = given.data if known_data else str(SHARED_DATA / given.data)
    data = Path(given.data).name
    parts = split(load(source, root=ROOT), LeaveLastTwoOut())
    name = f"seeds-{data}"
    known = RESULTS / f"{name}.json"
    found = json.loads(known.read_text(encoding="utf-8"))["seeds"] if given.seed and known.exists() else {}
    references = {each: both(fit(each, parts.training), parts) for each in NAMES}
    references["item-knn"] = both(ItemKnn(parts.training), parts)
    for seed in seed_names():
        if given.seed in (None, seed):
            found[seed] = trained(seed, parts, given.epochs)
            print(seed, found[seed], flush=True)
    events = {
        "users": parts.training.n_users,
        "items": parts.training.n_items,
        "training_events": parts.training.n_events,
    }
    record(name, {"data": data, **events, "references": references, "seeds": found})


if __name__ == "__main__":
    main()
