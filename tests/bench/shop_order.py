"""Bench: is the built-in shop's structure worth learning? Full-ranking figures of the reference rankers and SASRec.

    python -m tests.bench.shop_order [--size full] [--epochs 40] [--output docs/results/shop-order.json]

Expected on `full`: popularity < EASE, and popularity < first-order Markov < a well-trained sequential model, which
is the seed's network under a full softmax. The seed as it comes (one-negative BCE) is reported beside it.
"""

import argparse
import copy
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from seeds.fingerprint import fingerprint
from seeds.interactions import Questions
from seeds.metrics import user_metrics
from seeds.references import NAMES, Ranker, fit, rank
from seeds.shop import SIZES, make
from seeds.split import LeaveLastTwoOut, Split, split

REPO = Path(__file__).parents[2]
SEED_REPO = REPO / "seeds" / "repos" / "sasrec"
PATIENCE = 3  # rankings
EVAL_EVERY = 3  # epochs


class Trained:
    """A recommender of the contract as a reference ranker."""

    def __init__(self, recommender: Any) -> None:
        self.recommender = recommender

    def score(self, users: Any, histories: Any) -> Any:
        return self.recommender.score(users, histories).numpy()


def figures(ranker: Ranker, questions: Questions, n_items: int) -> dict[str, float]:
    top = rank(ranker, questions, n_items)
    metrics = user_metrics(top.items, top.scores, top.ties, questions.targets)
    return {name: round(float(metrics[name].mean()), 4) for name in ("HR@10", "NDCG@10")}


def bce(recommender: Any) -> Any:
    return recommender


def softmax(recommender: Any) -> Any:
    """The seed's own loss replaced by cross-entropy over all items."""
    network = recommender.model

    def loss(batch: Any) -> Any:
        present = batch.targets > 0
        hidden = network(batch.inputs)[present]  # (M, D)
        return F.cross_entropy(hidden @ network.item_embedding.weight.T, batch.targets[present])

    recommender.loss = loss
    return recommender


def train(parts: Split, change: Callable[[Any], Any], epochs: int, seed: int) -> tuple[Any, dict[str, float]]:
    """The best epoch on validation, and what it cost."""
    sys.path.insert(0, str(SEED_REPO))  # as the seed finds its own modules
    from recommender import build  # type: ignore[import-not-found]

    recommender = change(build(parts.training, device="cpu", seed=seed))
    best, best_state, best_epoch, started = -1.0, {}, 0, time.perf_counter()
    for epoch, _ in enumerate(recommender.fit(), start=1):
        if epoch % EVAL_EVERY == 0:
            value = figures(Trained(recommender), parts.validation, parts.training.n_items)["NDCG@10"]
            print(f"epoch {epoch}: validation NDCG@10 {value:.4f}", file=sys.stderr)
            if value > best:
                best, best_epoch, best_state = value, epoch, copy.deepcopy(recommender.state_dict())
        if epoch >= epochs or epoch - best_epoch >= PATIENCE * EVAL_EVERY:
            break
    recommender.load_state_dict(best_state)
    return recommender, {"epochs": best_epoch, "wall_s": round(time.perf_counter() - started, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=REPO / "docs" / "results" / "shop-order.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    log = make(options.size).interactions
    parts = split(log, LeaveLastTwoOut())
    test: dict[str, dict[str, float]] = {}
    for name in NAMES:
        test[name] = figures(fit(name, parts.training), parts.test, log.n_items)
    for name, change in (("sasrec, full softmax", softmax), ("sasrec, as seeded", bce)):
        recommender, cost = train(parts, change, options.epochs, options.seed)
        test[name] = figures(Trained(recommender), parts.test, log.n_items) | cost
    value = {name: result["NDCG@10"] for name, result in test.items()}
    holds = (
        value["popularity"] < value["ease"]
        and value["popularity"] < value["markov"] < value["sasrec, full softmax"]
    )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPO, capture_output=True, text=True, check=False
    )
    report = {
        "bench": "shop_order",
        "size": options.size,
        "users": log.n_users,
        "items": log.n_items,
        "events": log.n_events,
        "data": fingerprint(log)[:12],
        "test": test,
        "order_holds": holds,
        "intervals": "none: means over all users of one training seed",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, 1 thread, torch {torch.__version__}, numpy {np.__version__}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit.stdout.strip() or "unknown",
    }
    text = json.dumps(report, indent=2) + "\n"
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    print(text)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
