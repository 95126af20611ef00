"""Is the built-in shop's structure worth learning? Full-ranking figures of the reference rankers and of SASRec.

    python tests/bench/shop_order.py [--size full] [--epochs 40]        about 20 minutes on one idle core

Expected on `full`: popularity < EASE, and popularity < first-order Markov < a well-trained sequential model, which
is the seed's network, wider, under a full softmax and a falling learning rate. The seed as it comes stands beside it.
`order_holds` says that the paired interval of each of these differences in NDCG@10 lies above 0.
"""

import argparse
import copy
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import ROOT, record

sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "seeds" / "repos" / "sasrec"))  # as the seed finds its own modules
import torch
import torch.nn.functional as F

from evolution.base import serial
from evolution.trials.bootstrap import mean_interval, paired_interval
from seeds.interactions import Questions
from seeds.metrics import user_metrics
from seeds.references import NAMES, Ranker, fit, rank
from seeds.shop import make
from seeds.sizes import SIZES
from seeds.split import LeaveLastTwoOut, Split, split
from tests.seeds.fingerprint import fingerprint

SHOWN = ("NDCG@10", "HR@10")
PATIENCE = 3  # rankings
EVAL_EVERY = 2  # epochs
WELL_TRAINED = {"dim": 128, "dropout": 0.3, "batch_size": 64, "learning_rate": 2e-3}
ORDER = (("popularity", "ease"), ("popularity", "markov"), ("markov", "sasrec, well trained"))
DECAY_EPOCHS = 10  # the learning rate of the well-trained model falls to 0 in a straight line


class Trained:
    """A recommender of the contract as a reference ranker."""

    def __init__(self, recommender: Any) -> None:
        self.recommender = recommender

    def score(self, users: Any, histories: Any) -> Any:
        return self.recommender.score(users, histories).numpy()


def per_user(ranker: Ranker, questions: Questions, n_items: int) -> dict[str, Any]:
    """Metric -> its value for each user: float64 (Q,)."""
    top = rank(ranker, questions, n_items)
    return user_metrics(top.items, top.scores, top.ties, questions.targets)


def ndcg(ranker: Ranker, questions: Questions, n_items: int) -> Any:
    return per_user(ranker, questions, n_items)["NDCG@10"]


def as_seeded(training: Any, seed: int) -> Any:
    from recommender import build  # type: ignore[import-not-found]

    return build(training, device="cpu", seed=seed)


def well_trained(training: Any, seed: int) -> Any:
    """The seed's network with WELL_TRAINED settings, its loss replaced by cross-entropy over all items."""
    from recommender import Recommender, Settings  # type: ignore[import-not-found]

    torch.manual_seed(seed)
    made = Recommender(training, Settings(**WELL_TRAINED), torch.device("cpu"), seed)

    def loss(batch: Any) -> Any:
        present = batch.targets > 0
        hidden = made.model(batch.inputs)[present]  # (M, D)
        return F.cross_entropy(hidden @ made.model.item_embedding.weight.T, batch.targets[present])

    made.loss = loss
    made.fit = lambda: decayed(made)
    return made


def decayed(recommender: Any) -> Iterator[dict[str, float]]:
    """The recommender's own fit, its learning rate falling to 0 over DECAY_EPOCHS."""
    epochs = type(recommender).fit(recommender)
    for epoch in range(DECAY_EPOCHS):
        for group in recommender.optimizer.param_groups:
            group["lr"] = WELL_TRAINED["learning_rate"] * (1 - epoch / DECAY_EPOCHS)
        yield next(epochs)


def train(
    parts: Split, build: Callable[[Any, int], Any], epochs: int, seed: int
) -> tuple[Any, dict[str, float]]:
    """The best epoch on validation, and what it cost."""
    recommender = build(parts.training, seed)
    best, best_state, best_epoch, started = -1.0, {}, 0, time.perf_counter()
    for epoch, _ in enumerate(recommender.fit(), start=1):
        if epoch % EVAL_EVERY == 0:
            value = float(ndcg(Trained(recommender), parts.validation, parts.training.n_items).mean())
            print(f"epoch {epoch}: validation NDCG@10 {value:.4f}", file=sys.stderr)
            if value > best:
                best, best_epoch, best_state = value, epoch, copy.deepcopy(recommender.state_dict())
        if epoch >= epochs or epoch - best_epoch >= PATIENCE * EVAL_EVERY:
            break
    recommender.load_state_dict(best_state)
    return recommender, {"best_epoch": best_epoch, "wall_s": round(time.perf_counter() - started, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    log = make(options.size).interactions
    parts = split(log, LeaveLastTwoOut())
    users = {name: per_user(fit(name, parts.training), parts.test, log.n_items) for name in NAMES}
    costs: dict[str, dict[str, float]] = {}
    for name, build in (("sasrec, well trained", well_trained), ("sasrec, as seeded", as_seeded)):
        recommender, costs[name] = train(parts, build, options.epochs, options.seed)
        users[name] = per_user(Trained(recommender), parts.test, log.n_items)
    test = {
        metric: {n: serial.plain(mean_interval(u[metric], 0)) for n, u in users.items()} for metric in SHOWN
    }
    steps = {
        f"{better} over {worse}": {
            metric: serial.plain(paired_interval(users[better][metric], users[worse][metric], 0))
            for metric in SHOWN
        }
        for worse, better in ORDER
    }
    holds = all(step["NDCG@10"]["low"] > 0 for step in steps.values())
    record(
        f"shop-order-{options.size}",
        {
            "users": log.n_users,
            "items": log.n_items,
            "events": log.n_events,
            "data": fingerprint(log)[:12],
            "test": test,
            "differences": steps,
            "well_trained": {**WELL_TRAINED, "decay_epochs": DECAY_EPOCHS},
            "cost": costs,
            "order_holds": holds,
        },
    )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
